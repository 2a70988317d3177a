import { historyBatch } from '../data/batches.js';
import type { Tensor } from '../engine/tensor.js';
import { attentionWeights } from '../kernels/attention_weights/index.js';
import type { GSASRec } from '../model/gsasrec.js';
import { lastHidden } from './ranking.js';
import { checkHistory, type History } from './recommend.js';

/**
 * What each item of a history counts for in what is recommended after it: the weight that the last block's attention gives it when it
 * predicts what comes next, the mean over heads. A view into the model, not a cause: other blocks have mixed the items before.
 * @param histories all go through the GPU together: hundreds of them, not millions
 * @returns for each history the weights of its last sequence_length items, which sum to 1
 * @throws InputError for an empty history, or an item that the model does not have
 */
export async function attentionOver(model: GSASRec, histories: readonly History[]): Promise<Float32Array[]> {
  const { stream } = model;
  const { num_items, sequence_length, num_heads } = model.config;
  const rows = histories.map((history, i) => Uint32Array.from(checkHistory(history, i, num_items)));
  const batch = historyBatch(rows.map((row) => row.slice(-sequence_length)));
  const arrived = stream.scope(() => {
    let weights: Tensor | undefined;
    lastHidden(model, batch, batch.lastTokens, (q, k, spans) => {
      weights = attentionWeights(stream, q, k, spans, num_heads);
    });
    return stream.download(weights!);
  });
  stream.submit();
  const all = (await arrived) as Float32Array; // [H, T]
  const mean = Float32Array.from({ length: batch.tokens }, (_, t) => {
    let sum = 0;
    for (let h = 0; h < num_heads; h++) sum += all[h * batch.tokens + t];
    return sum / num_heads;
  });
  return Array.from(batch.lastTokens, (t) => mean.slice(batch.spans[2 * t], t + 1));
}
