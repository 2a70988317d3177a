import { GsasError } from '../../src/base/errors.js';
import { historyBatch } from '../../src/data/batches.js';
import { attentionReference } from '../../src/kernels/attention/reference.js';
import { embedReference } from '../../src/kernels/embedding/reference.js';
import { layerNormReference } from '../../src/kernels/layer_norm/reference.js';
import { linearReference } from '../../src/kernels/linear/reference.js';
import { scoreOf } from '../../src/kernels/score/rank/reference.js';
import type { GsasrecConfig } from '../../src/model/gsasrec.js';
import type { HostParameters } from '../../src/model/parameters.js';
import type { Ranking } from '../step/protocol.js';

/** The model in float64, of the same references that the kernels' tests take. @returns [B, D] at the last token of each history */
export function lastHiddenReference(
  { num_blocks, num_heads, embedding_dim: D }: GsasrecConfig,
  parameters: HostParameters,
  histories: readonly Uint32Array[],
): Float64Array {
  const { ids, spans, tokens: T, lastTokens } = historyBatch(histories);
  const of = (name: string) => Float64Array.from(parameters.get(name)!.data);
  const norm = (name: string, x: Float64Array) => layerNormReference(x, of(`${name}.weight`), of(`${name}.bias`), T, D);
  const linear = (name: string, x: Float64Array, more: { relu?: boolean; residual?: Float64Array } = {}) =>
    linearReference(
      { x, weight: of(`${name}.weight`), bias: of(`${name}.bias`), residual: more.residual },
      { T, N: D, K: D, relu: more.relu ?? false },
      () => 1,
    );
  let x = embedReference(of('item_embedding.weight'), of('position_embedding.weight'), ids, spans, D);
  for (let i = 0; i < num_blocks; i++) {
    const block = `transformer_blocks.${i}`;
    const residual = norm(`${block}.first_norm`, x);
    const attended = attentionReference(
      {
        q: linear(`${block}.multihead_attention.query_proj`, residual),
        k: linear(`${block}.multihead_attention.key_proj`, x),
        v: linear(`${block}.multihead_attention.val_proj`, x),
        spans,
        residual,
      },
      { T, D, heads: num_heads },
      { seed: 0, step: 0 },
    );
    const z = norm(`${block}.second_norm`, attended);
    x = linear(`${block}.dense2`, linear(`${block}.dense1`, z, { relu: true }), { residual: z });
  }
  const last = norm('seq_norm', x);
  return Float64Array.from([...lastTokens].flatMap((t) => [...last.subarray(t * D, (t + 1) * D)]));
}

/** How much a score in float32 may differ from float64, relative to the largest of its row. */
const TOLERANCE = 1e-5;

/** The scores of some users in float64, with which rankings are compared. */
export class RankingCheck {
  /** [users, N + 1]; -Infinity for an item that is left out */
  readonly #scores: Float64Array[];

  /** @param rows of item ids, the last of each the target */
  constructor(
    config: GsasrecConfig,
    parameters: HostParameters,
    private readonly rows: readonly (readonly number[])[],
    filter: boolean,
  ) {
    const histories = rows.map((row) => Uint32Array.from(row.slice(0, -1)));
    const h = lastHiddenReference(config, parameters, histories);
    const name = config.reuse_item_embeddings ? 'item_embedding.weight' : 'output_embedding.weight';
    const table = Float64Array.from(parameters.get(name)!.data);
    this.#scores = histories.map((history, user) => {
      const out = new Set(filter ? history : []);
      return Float64Array.from({ length: config.num_items + 1 }, (_, item) =>
        item === 0 || out.has(item) ? -Infinity : scoreOf(h, table, user, item, config.embedding_dim),
      );
    });
  }

  /** @throws GsasError naming the first user whose rank or best items rounding cannot explain */
  check(name: string, { ranks, top }: Ranking): void {
    for (const [user, scores] of this.#scores.entries()) {
      const largest = scores.reduce((most, score) => Math.max(most, Number.isFinite(score) ? Math.abs(score) : 0), 0);
      const slack = TOLERANCE * largest;
      const target = scores[this.rows[user].at(-1)!];
      const above = (threshold: number) => scores.filter((score) => score > threshold).length;
      const [least, most] = Number.isFinite(target) ? [1 + above(target + slack), above(target - slack)] : [0, 0];
      const rank = ranks[user];
      if (!(least <= rank && rank <= most))
        throw new GsasError(`${name}: user ${user + 1}'s target has rank ${rank}, in float64 ${least} to ${most}`);

      const best = top[user];
      const last = scores.toSorted((a, b) => b - a)[best.length - 1];
      const wrong = best.find((item, i) => !(scores[item] >= last - slack) || best.indexOf(item) !== i);
      if (wrong !== undefined || best.length === 0)
        throw new GsasError(
          `${name}: item ${wrong} is not among the best ${best.length} of user ${user + 1} in float64`,
        );
    }
  }
}
