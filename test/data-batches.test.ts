import { describe, expect, it } from 'vitest';
import { concat } from '../src/base/concat.js';
import { InputError } from '../src/base/errors.js';
import {
  evaluationBatches,
  historyBatch,
  seenBits,
  TrainingBatches,
  type TrainingOptions,
} from '../src/data/batches.js';
import { Sequences } from '../src/data/dataset.js';
import { cloze, nextItem } from '../src/data/tasks.js';

/** User u has the items 100 u + 1, 100 u + 2, …, so that a token tells its user and place. */
const usersOf = (lengths: number[]) =>
  Sequences.from(lengths.map((length, u) => Array.from({ length }, (_, i) => 100 * u + i + 1)));

const LENGTHS = [3, 1, 7, 2, 12, 5, 1, 6, 4, 9];
const batches = (options: Partial<TrainingOptions> = {}) =>
  new TrainingBatches(nextItem, usersOf(LENGTHS), { sequenceLength: 5, batchSize: 3, seed: 7, ...options });

const epochOf = (all: TrainingBatches, epoch: number) =>
  Array.from({ length: all.perEpoch }, (_, i) => all.batch(epoch, i));

describe('TrainingBatches', () => {
  it('cuts the last S + 1 items of each user into inputs and targets shifted by one', () => {
    for (const { rows, tokens, ids, targets, spans } of epochOf(batches(), 0)) {
      expect(ids.length).toBe(tokens);
      expect(targets).toEqual(ids.map((id) => id + 1));
      let row = 0;
      for (let t = 0; t < tokens; t = spans[2 * t + 1], row++) {
        const [start, end] = [spans[2 * t], spans[2 * t + 1]];
        const user = Math.floor(ids[t] / 100);
        const length = Math.min(LENGTHS[user] - 1, 5);
        expect([start, end]).toEqual([t, t + length]);
        expect([...ids.subarray(start, end)]).toEqual(
          Array.from({ length }, (_, i) => 100 * user + LENGTHS[user] - length + i),
        );
        for (let inside = start; inside < end; inside++) {
          expect([...spans.subarray(2 * inside, 2 * inside + 2)]).toEqual([start, end]);
        }
      }
      expect(row).toBe(rows);
    }
  });

  it('visits each user with two items once an epoch, the last batch partial', () => {
    const epoch = epochOf(batches(), 3);
    expect(epoch.map(({ rows }) => rows)).toEqual([3, 3, 2]);
    const users = epoch.flatMap(({ ids }) => [...new Set(Array.from(ids, (id) => Math.floor(id / 100)))]);
    expect(users.sort()).toEqual([0, 2, 3, 4, 5, 7, 8, 9]);
  });

  it('is a function of seed, epoch and index, in whatever order batches are asked for', () => {
    const forward = batches();
    const all = [0, 1, 2].map((epoch) => epochOf(forward, epoch));
    const resumed = batches();
    expect(resumed.batch(2, 1)).toEqual(all[2][1]);
    expect(resumed.batch(0, 2)).toEqual(all[0][2]);
    expect(resumed.batch(2, 0)).toEqual(all[2][0]);
    expect(all[0]).not.toEqual(all[1]);
    expect(all[0]).not.toEqual(epochOf(batches({ seed: 8 }), 0));
  });

  it('orders users evenly: each comes first about equally often', () => {
    const first = new Map<number, number>();
    const single = batches({ batchSize: 1 });
    for (let epoch = 0; epoch < 4000; epoch++) {
      const user = Math.floor(single.batch(epoch, 0).ids[0] / 100);
      first.set(user, (first.get(user) ?? 0) + 1);
    }
    // 8 users, 500 expected, standard deviation 21.
    expect([...first.keys()].sort()).toEqual([0, 2, 3, 4, 5, 7, 8, 9]);
    for (const count of first.values()) expect(Math.abs(count - 500)).toBeLessThan(100);
  });

  it('stops an epoch at the wanted number of batches', () => {
    expect(batches({ maxBatchesPerEpoch: 2 }).perEpoch).toBe(2);
    expect(batches({ maxBatchesPerEpoch: 20 }).perEpoch).toBe(3);
    expect(batches({ maxBatchesPerEpoch: 2 }).batch(1, 1)).toEqual(batches().batch(1, 1));
  });

  it('knows the most tokens a batch can have', () => {
    expect(batches().capacity).toBe(15);
    expect(batches({ sequenceLength: 50 }).capacity).toBe(11 + 8 + 6);
    expect(batches({ sequenceLength: 50, batchSize: 100 }).capacity).toBe(2 + 6 + 1 + 11 + 4 + 5 + 3 + 8);
  });

  it('refuses sequences that have nothing to predict', () => {
    const build = () => new TrainingBatches(nextItem, usersOf([1, 1]), { sequenceLength: 5, batchSize: 3, seed: 1 });
    expect(build).toThrow(InputError);
    expect(build).toThrow(/two items/);
  });
});

describe('the cloze task', () => {
  const task = cloze({ mask: 999, rate: 0.3 });
  const train = usersOf([3, 40, 2, 1, 17]);
  const users = Uint32Array.of(0, 1, 2, 4);
  const batch = task.training(train, users, 20, { seed: 7, epoch: 2 });

  it('masks some of the last S items of each user, at least one, and predicts these alone', () => {
    expect(batch.rows).toBe(4);
    expect(batch.tokens).toBe(3 + 20 + 2 + 17);
    expect(batch.targets).toEqual(concat(Array.from(users, (user) => train.tail(user, 20))));
    batch.ids.forEach((id, t) => {
      expect(id).toBe(batch.weights![t] === 1 ? 999 : batch.targets[t]);
    });
    for (let t = 0; t < batch.tokens; t = batch.spans[2 * t + 1])
      expect(batch.weights!.subarray(t, batch.spans[2 * t + 1])).toContain(1);
  });

  it('masks at its rate, and the last item where the draw masks none', () => {
    const many = usersOf(Array(500).fill(20));
    const all = Uint32Array.from({ length: 500 }, (_, user) => user);
    const share = (rate: number) => {
      const { weights } = cloze({ mask: 999, rate }).training(many, all, 20, { seed: 1, epoch: 0 });
      return weights!.reduce((sum, weight) => sum + weight, 0) / weights!.length;
    };
    expect(share(0.3)).toBeCloseTo(0.3, 1);
    expect(share(1)).toBe(1);
    const { weights } = cloze({ mask: 999, rate: 1e-9 }).training(train, users, 20, { seed: 1, epoch: 0 });
    expect([...weights!].flatMap((weight, t) => (weight > 0 ? [t] : []))).toEqual([2, 22, 24, 41]);
  });

  it('masks a user the same in any batch, and otherwise in another epoch or under another seed', () => {
    const alone = task.training(train, Uint32Array.of(1), 20, { seed: 7, epoch: 2 });
    expect(alone.ids).toEqual(batch.ids.slice(3, 23));
    for (const draw of [
      { seed: 7, epoch: 3 },
      { seed: 8, epoch: 2 },
    ])
      expect(task.training(train, users, 20, draw).ids).not.toEqual(batch.ids);
  });

  it('asks for the next item by a mask after the last S - 1', () => {
    const { ids, lastTokens } = task.query([Uint32Array.of(5, 6, 7), Uint32Array.of(8)], 3);
    expect(ids).toEqual(Uint32Array.of(6, 7, 999, 8, 999));
    expect(lastTokens).toEqual(Uint32Array.of(2, 4));
    expect(task.known(3)).toBe(2);
    expect(task.tokens(1, 20)).toBe(0);
  });
});

describe('evaluationBatches', () => {
  const split = { inputs: usersOf([3, 1, 7, 2]), targets: Uint32Array.of(11, 12, 13, 14) };

  it('takes the last S items of each user, in order, with the targets', () => {
    const [a, b] = [...evaluationBatches(nextItem, split, 5, 3)];
    expect(a).toEqual({
      first: 0,
      rows: 3,
      tokens: 9,
      ids: Uint32Array.of(1, 2, 3, 101, 203, 204, 205, 206, 207),
      spans: Uint32Array.of(0, 3, 0, 3, 0, 3, 3, 4, 4, 9, 4, 9, 4, 9, 4, 9, 4, 9),
      lastTokens: Uint32Array.of(2, 3, 8),
      targets: Uint32Array.of(11, 12, 13),
    });
    expect(b).toEqual({
      first: 3,
      rows: 1,
      tokens: 2,
      ids: Uint32Array.of(301, 302),
      spans: Uint32Array.of(0, 2, 0, 2),
      lastTokens: Uint32Array.of(1),
      targets: Uint32Array.of(14),
    });
  });

  it('lays out a single history as it does a split', () => {
    expect(historyBatch([Uint32Array.of(4, 9)])).toEqual({
      rows: 1,
      tokens: 2,
      ids: Uint32Array.of(4, 9),
      spans: Uint32Array.of(0, 2, 0, 2),
      lastTokens: Uint32Array.of(1),
    });
  });
});

describe('seenBits', () => {
  it('sets bit i of its row for item i, with room for 0 to N + 1', () => {
    const bits = seenBits([Uint32Array.of(1, 31, 32, 1), Uint32Array.of(63, 62), new Uint32Array(0)], 62);
    expect(bits).toEqual(Uint32Array.of((1 << 31) | 2, 1, 0, 0xc0000000, 0, 0));
    expect(seenBits([Uint32Array.of(63)], 63).length).toBe(3);
  });
});
