import { expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { historyBatch } from '../src/data/batches.js';
import { checkBatch, checkItems } from '../src/data/check-batch.js';

const MODEL = { num_items: 9, sequence_length: 3 };
const good = () => historyBatch([Uint32Array.of(1, 9), Uint32Array.of(4, 5, 6)]);

it('takes a batch of items that there are, in rows of at most a window', () => {
  expect(() => checkBatch(good(), MODEL)).not.toThrow();
  expect(() => checkBatch({ ...good(), targets: Uint32Array.of(9, 1, 5, 6, 2) }, MODEL)).not.toThrow();
});

it('takes the mask of the task, and nothing else beyond the catalogue', () => {
  const batch = good();
  batch.ids[1] = 10;
  expect(() => checkBatch(batch, MODEL, { mask: 10 })).not.toThrow();
  expect(() => checkBatch({ ...batch, targets: batch.ids }, MODEL, { mask: 10 })).toThrow('the target of token 1 is');
  batch.ids[2] = 11;
  expect(() => checkBatch(batch, MODEL, { mask: 10 })).toThrow('token 2 is the item 11');
});

it.each([0, 10, 2 ** 32 - 1])('refuses the item %i, as input, target or negative', (item) => {
  const batch = good();
  const targets = Uint32Array.of(9, 1, item, 6, 2);
  expect(() => checkBatch({ ...batch, targets }, MODEL)).toThrow(
    `the target of token 2 is the item ${item}; items of this model are 1 to 9`,
  );
  batch.ids[4] = item;
  expect(() => checkBatch(batch, MODEL)).toThrow(InputError);
  expect(() => checkItems(Uint32Array.of(3, item), 9, 'negative')).toThrow(`negative 1 is the item ${item}`);
});

it('refuses a row that is longer than the window, empty, or beyond the batch', () => {
  expect(() => checkBatch(good(), { ...MODEL, sequence_length: 2 })).toThrow('token 2 has the span 2 to 5');
  expect(() => checkBatch({ ...good(), tokens: 4 }, MODEL)).toThrow('a row of 1 to 3 of 4 tokens');
  const batch = good();
  batch.spans[1] = 0; // attention would walk from row to row for ever
  expect(() => checkBatch(batch, MODEL)).toThrow('token 0 has the span 0 to 0');
});

it("refuses a span that is not its row's", () => {
  const batch = good();
  batch.spans[8] = 0;
  expect(() => checkBatch(batch, MODEL)).toThrow('token 4 has the span 0 to 5; it must be that of its row, 2 to 5');
});

it.each([
  [[1, 1, 1, 1], '4 weights for 5 tokens; give one a token'],
  [[1, 0, -1, 1, 1], 'the weight of token 2 is -1; it must be 0 or more'],
  [[1, 0, 1, 1, Number.NaN], 'the weight of token 4 is NaN; it must be 0 or more'],
  [[0, 0, 0, 0, 0], 'all weights are 0, so there is nothing to learn'],
])('refuses the weights %j', (weights, message) => {
  expect(() => checkBatch({ ...good(), weights: Float32Array.from(weights) }, MODEL)).toThrow(message);
});
