import { InputError } from '../base/errors.js';
import type { RaggedBatch, Task, TrainingBatch } from './batches.js';

/**
 * Checks everything that kernels use as an index before it is uploaded, because shaders do not check (src/node/toggles.ts). Batches of a dataset that was
 * read from a file always pass; a caller of the library may have made their own.
 * @param task whose mask may stand for an item
 * @throws InputError naming the first token that is wrong
 */
export function checkBatch(
  {
    rows,
    tokens,
    ids,
    spans,
    targets,
    weights,
    histories,
  }: RaggedBatch & Partial<Pick<TrainingBatch, 'targets' | 'weights' | 'histories'>>,
  { num_items, sequence_length }: { num_items: number; sequence_length: number },
  { mask }: Pick<Task, 'mask'> = {},
): void {
  checkItems(ids, num_items, 'token', mask);
  if (targets) checkItems(targets, num_items, 'the target of token');
  if (weights) checkWeights(weights, tokens);
  if (histories) {
    if (histories.length !== rows)
      throw new InputError(`${histories.length} histories for ${rows} rows; give one a row`);
    histories.forEach((items, row) => {
      checkItems(items, num_items, `in the history of row ${row}, item`);
    });
  }
  for (let start = 0; start < tokens; start = spans[2 * start + 1]) {
    const end = spans[2 * start + 1];
    const fits = end > start && end <= tokens && end - start <= sequence_length;
    if (!fits) throw new InputError(spanMessage(start, spans, `a row of 1 to ${sequence_length} of ${tokens} tokens`));
    for (let t = start; t < end; t++) {
      if (spans[2 * t] !== start || spans[2 * t + 1] !== end)
        throw new InputError(spanMessage(t, spans, `that of its row, ${start} to ${end}`));
    }
  }
}

/** @throws InputError unless there is one weight for each token, none is negative, and not all are 0 */
function checkWeights(weights: Float32Array, tokens: number): void {
  if (weights.length !== tokens)
    throw new InputError(`${weights.length} weights for ${tokens} tokens; give one a token`);
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (wrong >= 0) throw new InputError(`the weight of token ${wrong} is ${weights[wrong]}; it must be 0 or more`);
  if (weights.every((weight) => weight === 0)) throw new InputError('all weights are 0, so there is nothing to learn');
}

/** @param mask an id that is allowed, too. @throws InputError unless all ids are items of the catalogue, 1 … numItems */
export function checkItems(ids: Uint32Array, numItems: number, what: string, mask?: number): void {
  const wrong = ids.findIndex((id) => (id < 1 || id > numItems) && id !== mask);
  if (wrong >= 0) {
    throw new InputError(`${what} ${wrong} is the item ${ids[wrong]}; items of this model are 1 to ${numItems}`);
  }
}

function spanMessage(t: number, spans: Uint32Array, wanted: string): string {
  return `token ${t} has the span ${spans[2 * t]} to ${spans[2 * t + 1]}; it must be ${wanted}`;
}
