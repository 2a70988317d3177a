import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { HostRandom } from '../src/base/philox.js';
import { drawOthers } from '../src/kernels/score/draw_others/index.js';
import { inBatch, logDraws } from '../src/kernels/score/negatives/in-batch.js';
import { resolveConfig } from '../src/train/config.js';
import { stream } from './support/device.js';

/** Lists of `k` items for `G` sequences that all have the items `own`, as the GPU draws them. */
async function drawn(G: number, k: number, N: number, own: readonly number[], replaced: boolean, step = 1) {
  stream.random = { seed: 5, step };
  const host = {
    own: Uint32Array.from({ length: G * own.length }, (_, i) => own[i % own.length]),
    starts: Uint32Array.from({ length: G + 1 }, (_, g) => g * own.length),
    keys: Uint32Array.from({ length: G }, (_, g) => 3 * g),
  };
  const W = 4 * Math.ceil(k / 4);
  const ids = await stream.scope(() => {
    const [uploadedOwn, starts, keys] = Object.values(host).map((data) => stream.upload(data, [data.length]));
    return stream.read(drawOthers(stream, { own: uploadedOwn, starts, keys }, { k, W, numItems: N, replaced }));
  });
  return Array.from({ length: G }, (_, g) => ids.subarray(g * W, g * W + k));
}

/** Pearson's chi-square of counts that should be equal, in standard deviations from its mean. @param share variance of a count over that of independent draws */
function deviation(counts: readonly number[], share = 1): number {
  const mean = counts.reduce((a, b) => a + b) / counts.length;
  const degrees = counts.length - 1;
  const chi2 = counts.reduce((sum, count) => sum + (count - mean) ** 2 / (mean * share), 0);
  return (chi2 - degrees) / Math.sqrt(2 * degrees);
}

const OWN = [1, 7, 8, 50, 101];
const OTHERS = Array.from({ length: 101 }, (_, i) => i + 1).filter((id) => !OWN.includes(id));

describe.each([true, false])('a million draws for sequences, replaced %s,', (replaced) => {
  it.each([3, 40, 90])('%i a list, are of every item not in the sequence, equally often', async (k) => {
    const lists = await drawn(Math.ceil(1e6 / k), k, 101, OWN, replaced);
    const times = new Map(OTHERS.map((id) => [id, 0]));
    for (const list of lists) for (const id of list) times.set(id, times.get(id)! + 1);
    expect([...times.keys()]).toEqual(OTHERS); // and no other
    // Of k out of M drawn without replacement, whether an item is among them has the variance of a draw times (M - k) / (M - 1).
    const share = replaced ? 1 : (OTHERS.length - k) / (OTHERS.length - 1);
    expect(Math.abs(deviation([...times.values()], share))).toBeLessThan(4);
  });

  it('have every ordered pair in two slots equally often', async () => {
    const lists = await drawn(1e6, 4, 11, [2, 3, 11], replaced);
    const pairs = new Map<string, number>();
    for (const [, a, , b] of lists) pairs.set(`${a} ${b}`, (pairs.get(`${a} ${b}`) ?? 0) + 1);
    expect(pairs.size).toBe(replaced ? 64 : 56);
    expect(Math.abs(deviation([...pairs.values()]))).toBeLessThan(4);
  });
});

it('without replacement no list has an item twice, and lists differ between sequences and steps', async () => {
  const lists = await drawn(200, 96, 101, OWN, false);
  for (const list of lists) expect([...list].sort((a, b) => a - b)).toEqual(OTHERS);
  const again = await drawn(200, 96, 101, OWN, false, 2);
  const texts = new Set([...lists, ...again].map((list) => list.join()));
  expect(texts.size).toBe(400);
});

it('without replacement a list ends where the items do, and one of a sequence with all items is empty', async () => {
  for (const list of await drawn(3, 7, 5, [2, 4], false)) expect([...list.subarray(3)]).toEqual([0, 0, 0, 0]);
  for (const replaced of [true, false]) {
    for (const list of await drawn(3, 7, 3, [1, 2, 3], replaced)) expect([...list]).toEqual(Array(7).fill(0));
  }
});

it('refuses a loss that is made for a number of negatives where that differs from batch to batch', () => {
  expect(() => resolveConfig(57, [{ negatives: 'in-batch' }], 'x')).toThrow(
    new InputError(
      'x: the loss gbce does not go with the negatives in-batch: it is made for a number of negatives, which is another in each batch; choose another loss or other negatives',
    ),
  );
  expect(resolveConfig(57, [{ negatives: 'in-batch', loss: 'ssm' }])).toMatchObject({ negatives: 'in-batch' });
});

it('refuses more negatives without replacement than there are items', () => {
  const options = { negatives: 'per-sequence', without_replacement: true, negs_per_pos: 58 };
  expect(() => resolveConfig(57, [options], 'x')).toThrow(
    new InputError(
      'x: negs_per_pos is 58, but without_replacement there are only 57 items to draw; take fewer, or set without_replacement to false',
    ),
  );
  expect(resolveConfig(58, [options])).toMatchObject(options);
  expect(() => resolveConfig(57, [{ without_replacement: true }])).toThrow(/means nothing for the negatives/);
});

describe('log q of in-batch negatives', () => {
  it('is the log of how often an item is among the targets of a batch', () => {
    const counts = Float64Array.from({ length: 41 }, (_, i) => (i === 0 ? 0 : 1 + ((i * i) % 37)));
    const drawable = Array.from(counts, (count, item) => Array<number>(count).fill(item)).flat();
    const random = new HostRandom(3);
    const [batches, T] = [20_000, 60];
    const times = new Float64Array(counts.length);
    for (let i = 0; i < batches; i++) {
      const items = new Set(Array.from({ length: T }, () => drawable[random.integer(drawable.length)]));
      for (const item of items) times[item]++;
    }
    const log = logDraws(counts, { all: [{ targets: new Uint32Array(T / 2) }, { targets: new Uint32Array(T / 2) }] });
    for (let item = 1; item < counts.length; item++) {
      const expected = Math.exp(log(item));
      const sigma = Math.sqrt((expected * (1 - expected)) / batches);
      expect(Math.abs(times[item] / batches - expected), `item ${item}`).toBeLessThan(4.5 * sigma + 1e-12);
    }
  });

  it('is finite for items that are never or always targets', () => {
    const log = logDraws(Float64Array.of(0, 0, 9), { all: [{ targets: new Uint32Array(3) }] });
    expect(log(1)).toBeLessThan(log(2));
    expect(log(2)).toBe(0);
  });

  it('needs counts', () => {
    expect(() => inBatch.prepare(stream, undefined, { log_q: 'standard' })).toThrow(InputError);
    expect(inBatch.prepare(stream, undefined, { log_q: 'none' })).toBeUndefined();
  });
});
