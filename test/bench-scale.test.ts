import { describe, expect, it } from 'vitest';
import { neighbourWarning, type Process, parseStat } from '../bench/common/neighbours.js';
import { AXES, type AxisName, BASE, shapeAt, whyInstead } from '../bench/scale/axes.js';
import type { ScaleRow } from '../bench/scale/measure.js';
import { axisText } from '../bench/scale/text.js';

const point = (axis: AxisName, value: number, us: number, growth = 1): ScaleRow => ({
  bench: 'scale',
  impl: 'gsas',
  axis,
  value,
  shape: `${axis} ${value}`,
  median_ms: us,
  p10_ms: 0.9 * us,
  p90_ms: 1.1 * us,
  positions: 1000,
  us_per_position: us,
  growth,
  rounds: 3,
  rss_mib: 100,
  wide: false,
});

describe('an axis', () => {
  it('changes one number of the shape', () => {
    expect(shapeAt(AXES.negatives, 1024, {})).toEqual({ ...BASE, negs_per_pos: 1024 });
    expect(shapeAt(AXES.window, 25, { batch_size: 4 })).toEqual({ ...BASE, batch_size: 4, sequence_length: 25 });
  });

  it('has tables of items that any adapter can bind, whole', () => {
    for (const items of AXES.items.values) {
      const { embedding_dim } = shapeAt(AXES.items, items, {});
      expect(4 * (items + 2) * embedding_dim).toBeLessThanOrEqual(128 * 2 ** 20);
    }
    expect(whyInstead(AXES.items, { batch_size: 8 })).toContain('D=32');
    expect(whyInstead(AXES.items, { embedding_dim: 64 })).toBeUndefined();
    expect(shapeAt(AXES.items, 1e6, { embedding_dim: 64 }).embedding_dim).toBe(64);
  });

  it('says how the cost of a position grows and whether that is within its bound', () => {
    const rows = (last: number) => [
      point('items', 1e3, 20),
      point('items', 1e5, 30, 1.5),
      point('items', 1e6, 40, last),
    ];
    expect(axisText('items', rows(1.8))).toContain('costs 1.80 times one at 1,000 (at most 2: met)');
    expect(axisText('items', rows(3))).toContain('costs 3.00 times one at 1,000 (at most 2: missed)');
    const part = [point('items', 1e3, 20), point('items', 1e5, 60, 3)];
    expect(axisText('items', part)).toMatch(/costs 3.00 times one at 1,000$/);
    expect(axisText('window', [point('window', 25, 20)])).not.toContain('costs');
  });

  it('draws bars as long as the costs', () => {
    const lines = axisText('batch', [point('batch', 8, 10), point('batch', 512, 40)]).split('\n');
    expect(lines.slice(1, 3).map((line) => [...line].filter((character) => character === '█').length)).toEqual([
      10, 40,
    ]);
  });
});

describe('neighbours', () => {
  const process = (pid: number, parent: number, name: string, seconds: number): Process => ({
    pid,
    parent,
    name,
    seconds,
  });

  it('reads a process whose name has parentheses and spaces', () => {
    const fields = ['S', 7, 1, 1, 0, -1, 4194304, 100, 0, 0, 0, 250, 50, 0, 0];
    expect(parseStat(`42 (a (b) c) ${fields.join(' ')}`)).toEqual(process(42, 7, 'a (b) c', 3));
  });

  it('warns of others, naming the busiest, and not of itself or its children', () => {
    const before = [process(1, 0, 'init', 5), process(10, 1, 'bench', 1), process(20, 1, 'other', 100)];
    const child = process(11, 10, 'step', 9);
    const idle = [process(1, 0, 'init', 5), process(10, 1, 'bench', 8), child, process(20, 1, 'other', 100.1)];
    expect(neighbourWarning(before, idle, 10, 10, 2)).toBeUndefined();
    const busy = [process(10, 1, 'bench', 8), child, process(20, 1, 'other', 109), process(30, 20, 'new', 4)];
    const warning = neighbourWarning(before, busy, 10, 10, 2);
    expect(warning).toContain('others took 1.3 of 2 processors');
    expect(warning).toContain('other (process 20)');
  });
});
