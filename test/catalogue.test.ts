import { expect, it } from 'vitest';
import { Stream } from '../src/engine/stream.js';
import { tableOf } from '../src/engine/table.js';
import { rank } from '../src/kernels/score/rank/index.js';
import { topK } from '../src/kernels/score/top_k/index.js';
import { gpu } from './support/device.js';

const N = 600;
function operands(stream: Stream) {
  return { h: stream.zeros([2, 4]), table: tableOf(stream.zeros([N + 2, 4])), excluded: stream.zeros([2, 19], 'u32') };
}

it.each([0, 513, 1.5])('topK refuses k = %s and says which are allowed', (k) => {
  const stream = new Stream(gpu);
  const { h, table, excluded } = operands(stream);
  expect(() => topK(stream, h, table, excluded, N, k)).toThrow(
    `top_k: k is ${k}, but must be a whole number from 1 to 512, with 600 items`,
  );
});

it('names the operand that has no place for an item', () => {
  const stream = new Stream(gpu);
  const { h, table } = operands(stream);
  const excluded = stream.zeros([2, 18], 'u32');
  const targets = stream.zeros([2], 'u32');
  expect(() => rank(stream, h, table, targets, excluded, N)).toThrow(
    'rank: excluded [2,18] has 576 bits a row, but none for item 600',
  );
  const short = tableOf(stream.zeros([N, 4]));
  expect(() => rank(stream, h, short, targets, stream.zeros([2, 19], 'u32'), N)).toThrow(
    'rank: table [600,4] has no row for item 600',
  );
  const wide = stream.zeros([2, 5]);
  expect(() => rank(stream, wide, table, targets, excluded, N)).toThrow(
    'rank: axis D is 5 in h [2, 5] but 4 in table [602, 4]',
  );
});

it('does not find a target that is no item', async () => {
  const stream = new Stream(gpu);
  const { h, table, excluded } = operands(stream);
  const targets = stream.upload(Uint32Array.of(0, N + 1), [2]);
  expect(Array.from(await stream.read(rank(stream, h, table, targets, excluded, N)))).toEqual([0, 0]);
});

it('does not find a target whose score is not finite, so that a model that has diverged does not look perfect', async () => {
  const stream = new Stream(gpu);
  const { excluded } = operands(stream);
  const h = stream.upload(Float32Array.of(Number.NaN, 0, 0, 0, 1, 0, 0, 0), [2, 4]);
  const items = new Float32Array(4 * (N + 2));
  items[4 * 2] = Infinity; // the second row's target, and a rival
  items[4 * 3] = Infinity;
  const table = tableOf(stream.upload(items, [N + 2, 4]));
  const targets = stream.upload(Uint32Array.of(1, 2), [2]);
  expect(Array.from(await stream.read(rank(stream, h, table, targets, excluded, N)))).toEqual([0, 0]);
});
