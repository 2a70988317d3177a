import type { QueryBatch } from '../data/batches.js';
import { checkBatch } from '../data/check-batch.js';
import { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import type { LastTokens, SequenceTensors } from '../model/architecture.js';
import type { Model } from '../model/model.js';

/** Uploads histories. Call it inside a scope. @throws InputError for an item that the model does not have, or a span that is not its row's */
export function uploadQuery(
  { stream, config, task }: Model,
  query: QueryBatch,
): { batch: SequenceTensors; last: LastTokens } {
  checkBatch(query, config, task);
  const { rows: B, tokens: T, lastTokens } = query;
  const ranges = Uint32Array.from({ length: 2 * B }, (_, i) => query.spans[2 * lastTokens[i >> 1] + (i & 1)]);
  return {
    batch: { ids: stream.upload(query.ids, [T]), spans: stream.upload(query.spans, [T, 2]) },
    last: { tokens: stream.upload(lastTokens, [B]), spans: stream.upload(ranges, [B, 2]) },
  };
}

/** The hidden state at the last token of each history. Call it inside a scope. @returns [B, D] @throws as `uploadQuery` */
export function lastHidden(model: Model, query: QueryBatch): Tensor {
  const { batch, last } = uploadQuery(model, query);
  return model.encode(new Tape(model.stream, false), batch, { last });
}
