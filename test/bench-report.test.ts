import { describe, expect, it } from 'vitest';
import { absent, changes } from '../bench/common/compare.js';
import type { Kept, Results } from '../bench/common/results.js';
import { logAxis } from '../bench/report/draw.js';
import { drawResults } from '../bench/report/drawings.js';

const row = (bench: string, median: number, more: object): Kept => ({
  bench,
  shape: 'tiny',
  median_ms: median,
  p10_ms: 0.9 * median,
  p90_ms: 1.1 * median,
  commit: 'abc1234',
  date: '2025-01-02',
  ...more,
});

const results: Results = {
  adapter: 'some-gpu',
  driver: 'driver 1.2',
  processor: '2 x CPU',
  rows: [
    row('step', 10, { impl: 'gsas', ratio: 1 }),
    row('step', 42, { impl: 'pytorch', ratio: 4.3, about: { blas: 'MKL' } }),
    row('step', 5000, { impl: 'tfjs-cpu-best', ratio: 500 }),
    ...[1e3, 1e6].map((value) =>
      row('scale', value / 1e3, {
        impl: 'gsas',
        axis: 'items',
        value,
        shape: `items B=8 S=9 D=32 N=${value} k=4 t=0.75`,
        positions: 1000,
        us_per_position: 2,
        growth: value / 1e3,
      }),
    ),
    row('kernels', 1, { op: 'adam', pass: 'forward', roofline_percent: 63.2, bound: 'memory' }),
    row('kernels', 1, { op: 'add', pass: 'backward', roofline_percent: 350, bound: 'arithmetic' }),
  ],
};

/** The width of the drawing, and its texts, line by line. */
function contents(svg: string): { width: number; texts: string[] } {
  return {
    width: Number(/<svg[^>]* width="(\d+)"/.exec(svg)![1]),
    texts: [...svg.matchAll(/>([^<]+)<\/(?:text|tspan)>/g)].map(([, text]) => text!),
  };
}

describe('the report', () => {
  it('draws what is kept, each bench a drawing no wider than a page, with units, adapter and commit', async () => {
    const drawings = await drawResults(results);
    expect([...drawings.keys()]).toEqual(['step', 'scale', 'kernels']);
    for (const svg of drawings.values()) {
      const { width, texts } = contents(svg);
      expect(width).toBeLessThanOrEqual(800);
      expect(texts.join('\n')).toContain('some-gpu (driver 1.2) on 2 x CPU');
      expect(texts.join('\n')).toContain('commit abc1234');
      expect(svg).not.toContain('NaN');
      expect(texts.filter((text) => text.includes('…'))).toEqual([]); // cut off
    }
    expect(contents(drawings.get('step')!).texts).toEqual(
      expect.arrayContaining([
        'gsas-wgpu',
        '10.0 ms',
        'PyTorch (MKL)',
        '42.0 ms, 4.30x ours',
        'tfjs cpu, best',
        '5000 ms, 500x ours',
      ]),
    );
    expect(contents(drawings.get('scale')!).texts).toEqual(
      expect.arrayContaining(['µs a position (logarithmic)', 'B=8 S=9 D=32 k=4']),
    );
    expect(contents(drawings.get('kernels')!).texts).toContain('350 %, 1.00 ms');
  });

  it('draws the same bytes of the same results', async () => {
    expect(await drawResults(results)).toEqual(await drawResults(structuredClone(results)));
  });

  it('bounds logarithmic axes by round numbers around all values', () => {
    expect(logAxis([3, 40])).toEqual({ domain: [2, 50], ticks: [2, 5, 10, 20, 50] });
    expect(logAxis([100, 1000], 4)).toEqual({ domain: [100, 4000], ticks: [100, 200, 500, 1000, 2000] });
  });
});

describe('a comparison', () => {
  it('tells a wide spread and what only one side has', () => {
    const before = [row('eval', 10, {}), row('scale', 5, {})];
    const after = [row('eval', 20, { p10_ms: 10, p90_ms: 40 }), row('startup', 1, {})];
    expect(changes(before, after)).toMatchObject([{ subject: 'eval tiny', ratio: 2, wide: true, moved: false }]);
    expect(absent(before, after)).toEqual(['scale tiny']);
  });
});
