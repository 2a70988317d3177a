import { describe, expect, it } from 'vitest';
import { clock, repeat } from '../bench/common/clock.js';
import { changes } from '../bench/common/compare.js';
import { type Kept, merge } from '../bench/common/results.js';
import { loadWarning } from '../bench/common/setting.js';
import { isWide, quantile, summarise } from '../bench/common/statistics.js';
import { digits, tableLines } from '../bench/common/table.js';
import { opsCalled, shapeText } from '../bench/kernels/bench-op.js';
import { bandwidth, highest, rooflinePercent } from '../bench/kernels/roofline.js';
import { processOptions } from '../bench/step/protocol.js';
import { ratio, type Turns } from '../bench/step/race.js';
import { drawRows, layOut } from '../bench/step/rows.js';
import { LENGTHS, SHAPES, shapeFlags } from '../bench/step/shapes.js';
import { directionalError } from '../src/kernels/differences.js';

const ascending = (a: number, b: number) => a - b;

describe('statistics', () => {
  it('interpolates quantiles between order statistics', () => {
    expect(quantile([30, 10, 20], 0.5)).toBe(20);
    expect(quantile([10, 20], 0.5)).toBe(15);
    expect(summarise([5, 4, 3, 2, 1, 0, 10, 9, 8, 7, 6])).toEqual({ median: 5, p10: 1, p90: 9 });
    expect(summarise([7])).toEqual({ median: 7, p10: 7, p90: 7 });
  });

  it('calls a spread wide where the slow runs take much longer than the fast ones', () => {
    expect(isWide({ median: 10, p10: 9, p90: 11 })).toBe(false);
    expect(isWide({ median: 10, p10: 9, p90: 14 })).toBe(true);
  });

  it('warns of a busy machine', () => {
    expect(loadWarning(0.3, 2)).toBeUndefined();
    expect(loadWarning(3.2, 2)).toContain('load 3.2 on 2 processors');
  });
});

describe('clock', () => {
  it('times one run of awaited work in milliseconds', async () => {
    let runs = 0;
    const milliseconds = await clock(async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect(runs).toBe(1);
    expect(milliseconds).toBeGreaterThan(18);
    expect(milliseconds).toBeLessThan(2000);
  });

  it('hands on what the work throws', async () => {
    await expect(clock(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('repeats within its bounds and forgets the first run', async () => {
    let turn = 0;
    const next = async () => turn++;
    expect(await repeat(next, { seconds: 0, least: 3, most: 9 })).toEqual([1, 2, 3]);
    expect(await repeat(next, { seconds: 60, least: 1, most: 2 })).toEqual([5, 6]);
  });
});

describe('roofline', () => {
  const roofline = {
    memory: [
      { bytes: 1e6, copy: 20e9, gather: 10e9 },
      { bytes: 1e9, copy: 4e9, gather: 5e9 },
    ],
    flops: 1e12,
  };

  it('takes the faster rate at the nearest traffic', () => {
    expect(bandwidth(roofline, 2e6)).toBe(20e9);
    expect(bandwidth(roofline, 1e12)).toBe(5e9);
  });

  it('takes the best of several measurements, point by point', () => {
    const { memory, flops } = roofline;
    const other = { memory: memory.map((point) => ({ ...point, copy: 15e9 })), flops: 2 * flops };
    expect(highest([roofline, other])).toEqual({
      memory: [
        { bytes: 1e6, copy: 20e9, gather: 10e9 },
        { bytes: 1e9, copy: 15e9, gather: 5e9 },
      ],
      flops: 2e12,
    });
  });

  it('sets a time against the longer of moving and computing', () => {
    expect(rooflinePercent(roofline, { bytes: 1e9, flops: 1e9 }, 400)).toEqual({ percent: 50, bound: 'memory' });
    expect(rooflinePercent(roofline, { bytes: 0, flops: 1e12 }, 2000)).toEqual({ percent: 50, bound: 'arithmetic' });
  });
});

describe('the check before timing', () => {
  // L = sum over i of c_i (x_i^2 + 3 w): dL/dx_i = 2 c_i x_i, dL/dw = 3 sum of c.
  const reference = ({ x, w }: Record<string, Float64Array | Uint32Array>) => ({
    y: Float64Array.from(x!, (value) => value * value + 3 * w![0]),
  });
  const x = Float64Array.from({ length: 500 }, (_, i) => Math.sin(i));
  const inputs = { x, w: Float64Array.of(2) };
  const y = Float64Array.from(x, (_, i) => Math.cos(3 * i) + 0.5);
  const gradients = {
    x: Float64Array.from(x, (value, i) => 2 * y[i] * value),
    w: Float64Array.of(3 * y.reduce((a, b) => a + b)),
  };

  it('accepts right gradients', () => {
    expect(directionalError(reference, inputs, gradients, { y })).toBeLessThan(1e-6);
  });

  it('notices one that is wrong, be it another input’s, or in a single element', () => {
    const scaled = { ...gradients, w: Float64Array.of(1.01 * gradients.w[0]) };
    expect(directionalError(reference, inputs, scaled, { y })).toBeGreaterThan(1e-4);
    const missing = { ...gradients, x: gradients.x.map((g, i) => (i === 77 ? 0 : g)) };
    expect(directionalError(reference, inputs, missing, { y })).toBeGreaterThan(1e-4);
  });
});

describe('rows', () => {
  const lengthOf = ({ length }: { length: number }) => length;
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  it('have the lengths of the data set in every hundred, cut to the window', () => {
    expect(mean(LENGTHS.ml1m)).toBeCloseTo(163.4, 1);
    expect(mean(LENGTHS.beauty)).toBeCloseTo(8.8, 1);
    expect(mean(LENGTHS.steam)).toBeCloseTo(12.4, 1);
    const rows = drawRows(LENGTHS.ml1m, 250, 50, 200);
    expect(rows.length).toBe(250);
    const cut = LENGTHS.ml1m.map((length) => Math.min(length, 201));
    for (const start of [0, 100]) {
      expect(
        rows
          .slice(start, start + 100)
          .map(lengthOf)
          .sort(ascending),
      ).toEqual([...cut].sort(ascending));
    }
  });

  it('hold items of the catalogue, low ids more often, the same for the same seed', () => {
    const items = drawRows(LENGTHS.beauty, 500, 40, 50).flat();
    expect(Math.min(...items)).toBe(1);
    expect(Math.max(...items)).toBe(40);
    expect(items.filter((item) => item <= 10).length / items.length).toBeCloseTo(0.5, 1);
    expect(drawRows(LENGTHS.beauty, 500, 40, 50).flat()).toEqual(items);
    expect(drawRows(LENGTHS.beauty, 500, 40, 50, 2).flat()).not.toEqual(items);
  });

  it('lie end to end as inputs and the items that follow', () => {
    const batch = layOut([Uint32Array.of(5, 6, 7), Uint32Array.of(8, 9)]);
    expect({ ...batch, ids: [...batch.ids], targets: [...batch.targets], spans: [...batch.spans] }).toMatchObject({
      rows: 2,
      tokens: 3,
      ids: [5, 6, 8],
      targets: [6, 7, 9],
      spans: [0, 2, 0, 2, 2, 3],
    });
  });
});

describe('a race', () => {
  it('compares with who ran in the same round', () => {
    const turns = (times: number[]) => ({ times }) as Turns;
    expect(ratio(turns([20, 400, 22]), turns([10, 100, 11]))).toBe(2);
  });

  it('hands a shape to every implementation as flags', () => {
    expect(shapeFlags(SHAPES.beauty).join(' ')).toContain('--items 54542 --sequence-length 50 --embedding-dim 64');
    const args = [...shapeFlags(SHAPES.ml1m), '--rows', 'rows.jsonl', '--no-filter', '--backend', 'wasm'];
    expect(processOptions(args)).toEqual({
      shape: SHAPES.ml1m,
      rows: 'rows.jsonl',
      weights: '',
      profile: false,
      noFilter: true,
      backend: 'wasm',
      best: false,
    });
  });
});

describe('results', () => {
  const row = (op: string, median: number, more: Partial<Kept> = {}): Kept => ({
    bench: 'kernels',
    op,
    pass: 'forward',
    shape: 'T=1',
    median_ms: median,
    p10_ms: 0.95 * median,
    p90_ms: 1.05 * median,
    commit: 'abc',
    date: '2025-01-01',
    ...more,
  });

  const onGpu = (median: number) => ({ gpu_ms: median, gpu_p10_ms: 0.9 * median, gpu_p90_ms: 1.1 * median });

  it('keeps the latest of each measurement, in a fixed order', () => {
    const merged = merge([row('b', 1), row('a', 2)], [row('b', 3), row('b', 4, { pass: 'backward' })]);
    expect(merged.map(({ op, pass, median_ms }) => [op, pass, median_ms])).toEqual([
      ['a', 'forward', 2],
      ['b', 'backward', 4],
      ['b', 'forward', 3],
    ]);
  });

  it('tells what moved from noise, and takes GPU time where both have it', () => {
    const before = [row('a', 10), row('b', 10), row('c', 10, onGpu(8)), row('gone', 1)];
    const after = [row('a', 10.5), row('b', 5), row('c', 10, onGpu(16)), row('new', 1)];
    expect(changes(before, after).map(({ subject, ratio, moved }) => [subject.split(' ')[1], ratio, moved])).toEqual([
      ['b', 0.5, true],
      ['c', 2, true],
      ['a', 1.05, false],
    ]);
  });
});

describe('text', () => {
  it('gives three significant digits', () => {
    expect([0, 0.01234, 1.234, 12.34, 1234.5].map(digits)).toEqual(['0', '0.0123', '1.23', '12.3', '1235']);
  });

  it('aligns numbers to the right', () => {
    expect(
      tableLines(
        ['', 'ms'],
        [
          ['gsas', '9'],
          ['x', '1000'],
        ],
      ),
    ).toEqual(['        ms', 'gsas     9', 'x     1000']);
  });

  it('shortens a shape', () => {
    expect(shapeText({ lengths: [3, 4], D: 8, relu: true, dropout: { rate: 0.5 } })).toBe(
      'lengths=2(sum 7) D=8 relu dropout={rate=0.5}',
    );
  });

  it('names the operations that there are', () => {
    expect(opsCalled('adam').map(({ name }) => name)).toEqual(['adam']);
    expect(() => opsCalled('adamm')).toThrow('known are activation, add, attention');
  });
});
