import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { initialParameters } from '../src/model/parameters.js';
import { renumbering } from '../src/store/names.js';
import type { Checkpoint } from '../src/train/checkpoint.js';
import { resolveConfig, type TrainOptions } from '../src/train/config.js';
import { inheritedOptions, warmStart } from '../src/train/warm-start.js';

const D = 4;
const OPTIONS: Partial<TrainOptions> = { embedding_dim: D, num_heads: 1, num_blocks: 1, sequence_length: 3 };

function checkpoint(items: number, options: Partial<TrainOptions> = OPTIONS): Checkpoint {
  const config = resolveConfig(items, [options]);
  return { config, step: 9, epoch: 1, metrics: {}, weights: initialParameters(config, { seed: 1 }) };
}

describe('warmStart', () => {
  const from = checkpoint(5);
  const row = (table: { data: Float32Array }, r: number) => [...table.data.subarray(r * D, (r + 1) * D)];
  const grown = (items: number, options: Partial<TrainOptions> = {}, seed = 7) =>
    warmStart(from, resolveConfig(items, [inheritedOptions(from), { seed, ...options }]), 'old');

  it('is the checkpoint itself for the same catalogue and window', () => {
    const same = grown(5);
    for (const [name, { data }] of from.weights) expect(same.get(name)!.data, name).toEqual(data);
    expect(same.get('seq_norm.weight')!.data).not.toBe(from.weights.get('seq_norm.weight')!.data);
  });

  it.each(['item_embedding.weight', 'output_embedding.weight'])('keeps old items and the padding in %s', (name) => {
    const old = from.weights.get(name)!;
    const table = grown(8).get(name)!;
    expect(table.shape).toEqual([10, D]);
    for (let r = 0; r <= 5; r++) expect(row(table, r)).toEqual(row(old, r));
    expect(row(table, 9)).toEqual(row(old, 6));
    for (let r = 6; r <= 8; r++) for (const value of row(table, r)) expect(Number.isFinite(value)).toBe(true);
  });

  it('draws new items like the old ones, the same for the same seed', () => {
    const shifted = checkpoint(400);
    const table = shifted.weights.get('output_embedding.weight')!;
    table.data.forEach((value, i) => {
      table.data[i] = 0.1 * value - 5;
    });
    const config = resolveConfig(2400, [inheritedOptions(shifted), { seed: 3 }]);
    const fresh = warmStart(shifted, config, 'old')
      .get('output_embedding.weight')!
      .data.subarray(401 * D, 2401 * D);
    const mean = fresh.reduce((sum, value) => sum + value, 0) / fresh.length;
    const deviation = Math.sqrt(fresh.reduce((sum, value) => sum + (value - mean) ** 2, 0) / fresh.length);
    expect(mean).toBeCloseTo(-5, 1);
    expect(deviation).toBeCloseTo(0.1, 1);
    expect(grown(8)).toEqual(grown(8));
    expect(grown(8, {}, 8)).not.toEqual(grown(8));
  });

  it.each([
    [5, [-1, -1, 0, 1, 2]],
    [2, [1, 2]],
  ])('counts positions from the end of a window of %i', (window, places) => {
    const old = from.weights.get('position_embedding.weight')!;
    const table = grown(5, { sequence_length: window }).get('position_embedding.weight')!;
    expect(table.shape).toEqual([window, D]);
    places.forEach((place, r) => {
      if (place >= 0) expect(row(table, r)).toEqual(row(old, place));
    });
  });

  it('follows items that have other numbers now, and forgets those that are gone', () => {
    const names = (ids: string[]) => ({ titles: new Map(), originals: new Map(ids.map((id, i) => [i + 1, id])) });
    const moved = renumbering(names(['a', 'b', 'c', 'd', 'e']), names(['x', 'e', 'a', 'y']));
    const config = resolveConfig(4, [inheritedOptions(from), { seed: 7 }]);
    const old = from.weights.get('output_embedding.weight')!;
    const table = warmStart(from, config, 'old', moved).get('output_embedding.weight')!;
    expect([0, 2, 3, 5].map((r) => row(table, r))).toEqual([0, 5, 1, 6].map((r) => row(old, r)));
    expect(renumbering(names([]), names(['a']))).toBeUndefined();
  });

  it('refuses another shape and a smaller catalogue', () => {
    expect(() => grown(5, { num_blocks: 2 })).toThrow(
      new InputError('old: its num_blocks is 1, but 2 was asked for; leave it out to start from this checkpoint'),
    );
    expect(() => grown(4)).toThrow('old: knows 5 items, but the data has 4; give data in which the old items keep');
  });
});
