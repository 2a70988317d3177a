// The same model in the fastest formulation known for tfjs, which takes the arithmetic apart as no user would: sequences lie end to end without
// padding, so that dense layers are one product over T tokens; attention goes sequence by sequence; every product, also in gradients, is
// of two matrices as they lie, since only those reach XNNPACK on wasm; and the whole catalogue is scored by one product [T, D] x [D, N+2], whose loss is weighted by how often each
// item was drawn at a position, so that no negative is gathered and no gradient scattered.
import { tf } from './backend.mjs';
import { GSASRec, gatherRows } from './model.mjs';

/** a [m, k], b [k, n] -> [m, n] */
const product = tf.customGrad((a, b, save) => {
  save([a, b]);
  return {
    value: tf.matMul(a, b),
    gradFunc: (dy, [x, y]) => [tf.matMul(dy, tf.transpose(y)), tf.matMul(tf.transpose(x), dy)],
  };
});

/** sum of counts * softplus(scores), both [T, N+2], with a gradient of one pass. */
const weightedSoftplus = tf.customGrad((scores, counts, save) => {
  save([scores, counts]);
  return {
    value: tf.sum(tf.mul(counts, tf.softplus(scores))),
    gradFunc: (dy, [s, c]) => [tf.mul(tf.mul(c, tf.sigmoid(s)), dy), tf.zerosLike(c)],
  };
});

export class RaggedGSASRec extends GSASRec {
  /** n -> [n, n] causal bias */
  #causal = new Map();

  causalOf(n) {
    if (!this.#causal.has(n)) this.#causal.set(n, tf.keep(tf.slice(this.causal, [0, 0], [n, n])));
    return this.#causal.get(n);
  }

  linear(x, name) {
    const { [`${name}.weight`]: weight, [`${name}.bias`]: bias } = this.variables;
    return tf.add(product(x, tf.transpose(weight)), bias);
  }

  /** tf.dropout draws in JavaScript by a slow generator; V8's own is several times as fast. */
  dropout(x) {
    const keep = 1 - this.shape.dropout;
    if (!this.training || keep === 1) return x;
    const factors = new Float32Array(x.size);
    for (let i = 0; i < factors.length; i++) factors[i] = Math.random() < keep ? 1 / keep : 0;
    return tf.mul(x, tf.tensor(factors, x.shape));
  }

  /** queries, keys [T, D]; lengths of the sequences -> [T, D] */
  attention(queries, keys, lengths, name) {
    const { heads: H, embedding_dim: D } = this.shape;
    const parts = (x, layer) => {
      const rows = tf.split(this.linear(x, `${name}.${layer}`), lengths, 0);
      return H === 1 ? rows.map((row) => [row]) : rows.map((row) => tf.split(row, H, 1));
    };
    const [q, k, v] = [parts(queries, 'query_proj'), parts(keys, 'key_proj'), parts(keys, 'val_proj')];
    const mixed = lengths.map((n, b) => {
      const of = (h) => {
        const scores = tf.mul(product(q[b][h], tf.transpose(k[b][h])), 1 / Math.sqrt(D / H));
        return product(this.dropout(tf.softmax(tf.add(scores, this.causalOf(n)))), v[b][h]);
      };
      return tf.concat(
        Array.from({ length: H }, (_, h) => of(h)),
        1,
      );
    });
    return tf.concat(mixed, 0);
  }

  /** Sequences of ids -> [T, D] */
  hidden(inputs) {
    const { 'item_embedding.weight': items, 'position_embedding.weight': positions } = this.variables;
    const { sequence_length: S, blocks } = this.shape;
    const lengths = inputs.map((row) => row.length);
    const ids = inputs.flatMap((row) => [...row]);
    const places = lengths.flatMap((n) => Array.from({ length: n }, (_, i) => S - n + i));
    const rows = (table, indices) => gatherRows(table, tf.tensor1d(indices, 'int32'));
    let x = this.dropout(tf.add(rows(items, ids), rows(positions, places)));
    for (let i = 0; i < blocks; i++) x = this.block(x, lengths, `transformer_blocks.${i}`);
    return this.norm(x, 'seq_norm');
  }

  collate(rows, negative) {
    const { items, sequence_length: S, negs_per_pos: k } = this.shape;
    const inputs = rows.filter((row) => row.length > 1).map((row) => row.subarray(0, -1));
    const labels = rows.flatMap((row) => [...row.subarray(1)]);
    const counts = new Float32Array(labels.length * (items + 2)); // [T, N+2]
    let t = 0;
    rows.forEach((row, b) => {
      for (let s = S + 1 - row.length; s < S; s++, t++) {
        for (let j = 0; j < k; j++) counts[t * (items + 2) + negative(b, s, j)]++;
      }
    });
    return { inputs, labels, counts };
  }

  loss({ inputs, labels, counts }) {
    const states = this.hidden(inputs);
    const scores = product(states, tf.transpose(this.outputTable));
    const drawn = weightedSoftplus(scores, tf.tensor2d(counts, scores.shape));
    const positives = tf.sum(tf.mul(states, gatherRows(this.outputTable, tf.tensor1d(labels, 'int32'))), 1);
    const followed = tf.mul(tf.sum(tf.softplus(tf.neg(positives))), this.beta);
    return tf.div(tf.add(drawn, followed), (this.shape.negs_per_pos + 1) * labels.length);
  }

  scores(histories) {
    const ends = [];
    for (const { length } of histories) ends.push((ends.at(-1) ?? -1) + length);
    return product(tf.gather(this.hidden(histories), tf.tensor1d(ends, 'int32')), tf.transpose(this.outputTable));
  }
}
