import type { Profile } from './analysis.js';
import { draw } from './chart.js';
import { barChart } from './charts.js';
import { type Html, html } from './html.js';
import type { RunRecord } from './run.js';

const SHOWN = 14;

/** Where the GPU's time goes in a training step. */
export async function kernelTimes({ analysis }: RunRecord): Promise<Html | undefined> {
  if (!analysis) return undefined;
  const { profile } = analysis;
  if (!profile)
    return html`<section><h2>GPU time</h2><p>This adapter has no timestamp queries, so its kernels cannot be timed.</p></section>`;
  const total = profile.kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const bars = folded(profile.kernels).map(({ name, milliseconds, launches }) => ({
    name: `${name} ×${Math.round(launches)}`,
    value: milliseconds,
    label: `${significant(milliseconds)} ms · ${Math.round((100 * milliseconds) / total)} %`,
  }));
  const caption = `Means of ${profile.steps} training steps of ${Math.round(profile.positions).toLocaleString('en-US')} positions from the best weights on, by timestamp queries around every launch: ${significant(total)} ms a step in all. × counts launches a step.`;
  return html`<section><h2>GPU time</h2><div class="charts wide">${await draw(barChart(bars, 'GPU time a training step, ms'), 'By kernel', caption)}</div></section>`;
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
