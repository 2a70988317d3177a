import { InputError } from '../base/errors.js';
import { Tape } from '../engine/tape.js';
import type { Model } from '../model/model.js';
import { uploadQuery } from './query.js';
import { checkHistory, type History } from './recommender.js';

/**
 * How much each item of a history counts for the recommendation: the weight that the last block's attention gives it when it predicts the next item,
 * averaged over heads. It is a view into the model, not a cause: earlier blocks have mixed the items.
 * @param histories all are processed at once: hundreds, not millions
 * @returns for each history the weights of its last sequence_length items, which sum to 1
 * @throws InputError for an empty history, an item that the model does not have, or a model without attention
 */
export async function attentionOver(model: Model, histories: readonly History[]): Promise<Float32Array[]> {
  const { stream, config, architecture } = model;
  const rows = histories.map((history, i) => Uint32Array.from(checkHistory(history, i, config.num_items)));
  const query = model.task.query(rows, config.sequence_length);
  const { attention } = model;
  if (!attention) throw new InputError(`${architecture.title} has no attention that could be looked at`);
  let heads = 0;
  const arrived = stream.scope(() => {
    const { batch, last } = uploadQuery(model, query);
    const weights = attention(new Tape(stream, false), batch, last);
    heads = weights.shape[0];
    return stream.download(weights);
  });
  stream.submit();
  const all = (await arrived) as Float32Array; // [H, T]
  const mean = Float32Array.from({ length: query.tokens }, (_, t) => {
    let sum = 0;
    for (let h = 0; h < heads; h++) sum += all[h * query.tokens + t];
    return sum / heads;
  });
  return Array.from(query.lastTokens, (t) => mean.slice(query.spans[2 * t], t + 1));
}
