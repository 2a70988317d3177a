import type { Profile } from './analysis.js';
import { count, type Html, html } from './html.js';
import type { RunRecord } from './run.js';

const SHOWN = 14;

/** Where the GPU's time goes in a training step. */
export function kernelTimes({ analysis }: RunRecord): Html | undefined {
  if (!analysis) return undefined;
  const { profile } = analysis;
  if (!profile)
    return html`<section><h2>GPU time</h2><p>This adapter has no timestamp queries, so its kernels cannot be timed.</p></section>`;
  const { kernels, steps, positions } = profile;
  const total = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const longest = Math.max(...kernels.map(({ milliseconds }) => milliseconds));
  const bars = folded(kernels).map(
    ({ name, milliseconds, launches }) =>
      html`<li><span>${name} <small>×${Math.round(launches)}</small></span> <span>${significant(milliseconds)} ms <small>${Math.round((100 * milliseconds) / total)} %</small></span><i style="width:${((100 * milliseconds) / longest).toFixed(1)}%"></i></li>`,
  );
  return html`<section><h2>GPU time</h2>
<p>A training step of ${count(Math.round(positions))} positions takes ${significant(total)} ms on the GPU: the mean of ${steps} steps from the best weights on, by timestamp queries around every launch. × counts launches a step.</p>
<ol class="bars">${bars}</ol></section>`;
}

/** The longest, and the others in one. */
function folded(kernels: Profile['kernels']): Profile['kernels'] {
  if (kernels.length <= SHOWN) return kernels;
  const rest = kernels.slice(SHOWN - 1);
  const sum = (key: 'milliseconds' | 'launches') => rest.reduce((total, kernel) => total + kernel[key], 0);
  const other = { name: `${rest.length} others`, milliseconds: sum('milliseconds'), launches: sum('launches') };
  return [...kernels.slice(0, SHOWN - 1), other];
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
