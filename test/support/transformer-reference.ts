import { ACTIVATIONS } from '../../src/kernels/activation/spec.js';
import { attentionReference } from '../../src/kernels/attention/reference.js';
import { embedReference } from '../../src/kernels/embedding/reference.js';
import { layerNormReference } from '../../src/kernels/layer_norm/reference.js';
import { linearReference } from '../../src/kernels/linear/reference.js';
import { CASE_RANDOM } from '../../src/kernels/op.js';
import type { TransformerConfig, TransformerForm } from '../../src/model/blocks/encoder.js';

/** Parameters in float64 by name. */
export type Wide = ReadonlyMap<string, Float64Array>;

/** A transformer's hidden states [T, D] in float64, block by block as the papers write them. */
export function transformerReference(
  { embedding_dim: D, num_blocks, num_heads: heads }: TransformerConfig,
  form: TransformerForm,
  weights: Wide,
  ids: Uint32Array,
  spans: Uint32Array,
): Float64Array {
  const T = ids.length;
  const get = (name: string) => weights.get(name)!;
  const plus = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]);
  const norm = (name: string, x: Float64Array) =>
    layerNormReference(x, get(`${name}.weight`), get(`${name}.bias`), T, D);
  const dense = (name: string, x: Float64Array) => {
    const weight = get(`${name}.weight`);
    const K = x.length / T;
    return linearReference({ x, weight, bias: weights.get(`${name}.bias`) }, { T, N: weight.length / K, K }, () => 1);
  };
  let x = embedReference(get('item_embedding.weight'), get('position_embedding.weight'), ids, spans, D);
  for (let i = 0; i < num_blocks; i++) {
    const block = `transformer_blocks.${i}`;
    const project = (name: string, of: Float64Array) => dense(`${block}.multihead_attention.${name}_proj`, of);
    const attend = (from: Float64Array, to: Float64Array) =>
      attentionReference(
        { q: project('query', from), k: project('key', to), v: project('val', to), spans },
        { T, D, heads, bidirectional: form.bidirectional },
        CASE_RANDOM,
      );
    const feed = (of: Float64Array) => {
      const inner = dense(`${block}.dense1`, of);
      if (form.feedForward === 'relu')
        return dense(
          `${block}.dense2`,
          inner.map((value) => Math.max(0, value)),
        );
      if (form.feedForward === 'gelu') return dense(`${block}.dense2`, inner.map(ACTIVATIONS.gelu));
      const times = dense(`${block}.dense3`, of);
      return dense(
        `${block}.dense2`,
        inner.map((value, j) => ACTIVATIONS.silu(value) * times[j]),
      );
    };
    const gate = (name: string, of: Float64Array, result: Float64Array) => {
      if (!form.gated) return result;
      const open = dense(`${block}.${name}_gate`, of).map(ACTIVATIONS.sigmoid);
      return result.map((value, j) => open[j] * value);
    };
    if (form.norm === 'query') {
      const normal = norm(`${block}.first_norm`, x);
      const z = norm(`${block}.second_norm`, plus(gate('first', x, attend(normal, x)), normal));
      x = plus(gate('second', z, feed(z)), z);
    } else if (form.norm === 'before') {
      const normal = norm(`${block}.first_norm`, x);
      const y = plus(x, gate('first', x, project('out', attend(normal, normal))));
      x = plus(y, gate('second', y, feed(norm(`${block}.second_norm`, y))));
    } else {
      const y = norm(`${block}.first_norm`, plus(x, gate('first', x, project('out', attend(x, x)))));
      x = norm(`${block}.second_norm`, plus(y, gate('second', y, feed(y))));
    }
  }
  if (form.finalNorm) x = norm('seq_norm', x);
  return form.head ? dense('head', x).map(ACTIVATIONS.gelu) : x;
}
