// gSASRec and its training step as an experienced tfjs user writes them: core operations on padded rows, gathered negatives, tf.variableGrads
// and tf.train.adam. What is faster and nobody writes is in ragged.mjs. The mathematics is that of ../pytorch/gsasrec.py; check.mjs compares the two.
//
// Shapes: B rows, S window, D embedding dim, H heads, k negatives per positive, N items. Items are 1..N, N+1 pads on the left.
import { tf } from './backend.mjs';

/** A score so low that its softmax is 0. */
const NEVER = -1e9;
const LAYER_NORM_EPSILON = 1e-5;

/**
 * table [R, D], ids [P] -> [P, D]. With a gradient of its own: tfjs's needs UnsortedSegmentSum, which its wasm backend lacks and its cpu
 * backend does in a time of R x P.
 */
export function gatherRows(table, ids) {
  const gather = tf.customGrad((rows, save) => {
    save([ids]);
    return {
      value: tf.gather(rows, ids),
      gradFunc: (dy, [saved]) => tf.scatterND(tf.expandDims(saved, 1), dy, rows.shape),
    };
  });
  return gather(table);
}

function layerNorm(x, weight, bias) {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, LAYER_NORM_EPSILON)));
  return tf.add(tf.mul(normal, weight), bias);
}

/** The model's variables under the official names, and what is done with them. */
export class GSASRec {
  /** Whether activations are dropped. */
  training = true;

  /**
   * @param shape the bench's: items, sequence_length, embedding_dim, blocks, heads, negs_per_pos, gbce_t, dropout
   * @param values name -> {shape, data}: all parameters
   */
  constructor(shape, values) {
    this.shape = shape;
    this.variables = {};
    for (const [name, value] of values) {
      this.variables[name] = tf.variable(tf.tensor(value.data, value.shape), true, name);
    }
    const { items, negs_per_pos: k, gbce_t: t } = shape;
    const alpha = k / (items - 1);
    this.beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha);
    const S = shape.sequence_length;
    /** [S, S]: what is added to a score, so that no position sees a later one */
    this.causal = tf.keep(tf.tidy(() => tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([S, S]), -1, 0)), NEVER)));
  }

  /** x [..., D] -> x W^T + b. In two dimensions, since only such products are fast on wasm. */
  linear(x, name) {
    const { [`${name}.weight`]: weight, [`${name}.bias`]: bias } = this.variables;
    const flat = tf.reshape(x, [-1, x.shape.at(-1)]);
    return tf.reshape(tf.add(tf.matMul(flat, weight, false, true), bias), [...x.shape.slice(0, -1), weight.shape[0]]);
  }

  norm(x, name) {
    return layerNorm(x, this.variables[`${name}.weight`], this.variables[`${name}.bias`]);
  }

  dropout(x) {
    return this.training && this.shape.dropout > 0 ? tf.dropout(x, this.shape.dropout) : x;
  }

  /** queries, keys [B, S, D]; bias [B, 1, S, S] added to the scores -> [B, S, D] */
  attention(queries, keys, bias, name) {
    const [B, S, D] = queries.shape;
    const H = this.shape.heads;
    const heads = (x) => tf.transpose(tf.reshape(x, [B, S, H, D / H]), [0, 2, 1, 3]);
    const q = heads(this.linear(queries, `${name}.query_proj`));
    const k = heads(this.linear(keys, `${name}.key_proj`));
    const v = heads(this.linear(keys, `${name}.val_proj`));
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D / H));
    const weights = this.dropout(tf.softmax(tf.add(scores, bias)));
    return tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [B, S, D]);
  }

  /** x [B, S, D] -> [B, S, D] */
  block(x, bias, name) {
    const queries = this.norm(x, `${name}.first_norm`);
    const mixed = this.attention(queries, x, bias, `${name}.multihead_attention`);
    const z = this.norm(tf.add(mixed, queries), `${name}.second_norm`);
    const wide = this.dropout(tf.relu(this.linear(z, `${name}.dense1`)));
    return tf.add(this.dropout(this.linear(wide, `${name}.dense2`)), z);
  }

  /** ids [B*S], mask [B, S] of 0 at padding -> [B, S, D] */
  hidden(ids, mask) {
    const [B, S] = mask.shape;
    const { 'item_embedding.weight': items, 'position_embedding.weight': positions } = this.variables;
    const real = tf.expandDims(mask, 2);
    const padding = tf.reshape(tf.mul(tf.sub(1, mask), NEVER), [B, 1, 1, S]);
    const bias = tf.maximum(tf.add(padding, this.causal), NEVER);
    const embedded = tf.add(tf.reshape(gatherRows(items, ids), [B, S, -1]), positions);
    let x = tf.mul(this.dropout(embedded), real);
    for (let i = 0; i < this.shape.blocks; i++) x = tf.mul(this.block(x, bias, `transformer_blocks.${i}`), real);
    return this.norm(x, 'seq_norm');
  }

  /** [N+2, D] */
  get outputTable() {
    return this.variables['output_embedding.weight'] ?? this.variables['item_embedding.weight'];
  }

  /** Inputs, at most S of a row, padded on the left: ids [B*S] and mask [B*S], 0 at padding. */
  pad(inputs) {
    const { items, sequence_length: S } = this.shape;
    const ids = new Int32Array(inputs.length * S).fill(items + 1);
    inputs.forEach((row, b) => {
      ids.set(row, (b + 1) * S - row.length);
    });
    return { ids, mask: Float32Array.from(ids, (id) => (id === items + 1 ? 0 : 1)) };
  }

  /**
   * A training batch on the host.
   * @param rows B arrays of at most S+1 ids: all but the last are inputs, all but the first the labels
   * @param negative (b, s, j) -> the j-th negative at position s of the padded row b
   */
  collate(rows, negative) {
    const { sequence_length: S, negs_per_pos: k } = this.shape;
    const { ids, mask } = this.pad(rows.map((row) => row.subarray(0, -1)));
    const candidates = new Int32Array(ids.length * (k + 1)); // [B*S, k+1]: the item that follows and its negatives
    for (let p = 0; p < ids.length; p++) {
      for (let j = 0; j < k; j++) candidates[p * (k + 1) + 1 + j] = negative(Math.floor(p / S), p % S, j);
    }
    rows.forEach((row, b) => {
      for (let i = 1; i < row.length; i++) candidates[((b + 1) * S - row.length + i) * (k + 1)] = row[i];
    });
    return { ids, mask, candidates };
  }

  /** The mean gBCE loss over the positions of a collated batch that are no padding. */
  loss({ ids, mask, candidates }) {
    const { sequence_length: S, embedding_dim: D, negs_per_pos: k } = this.shape;
    const real = mask.reduce((sum, one) => sum + one, 0);
    const states = this.hidden(tf.tensor1d(ids, 'int32'), tf.tensor2d(mask, [ids.length / S, S]));
    const rows = tf.reshape(gatherRows(this.outputTable, tf.tensor1d(candidates, 'int32')), [ids.length, k + 1, D]);
    const scores = tf.squeeze(tf.matMul(tf.reshape(states, [ids.length, 1, D]), rows, false, true), [1]);
    // -log sigmoid(s)^beta = beta softplus(-s) for the positive, softplus(s) for the negatives.
    const sign = tf.tensor1d([-1, ...Array(k).fill(1)]);
    const weight = tf.tensor1d([this.beta, ...Array(k).fill(1)]);
    const each = tf.sum(tf.mul(tf.softplus(tf.mul(scores, sign)), weight), 1);
    return tf.div(tf.sum(tf.mul(each, mask)), (k + 1) * real);
  }

  /** Scores of the whole catalogue [B, N+2] for what follows each of B histories, arrays of at most S ids. */
  scores(histories) {
    const { sequence_length: S, embedding_dim: D } = this.shape;
    const { ids, mask } = this.pad(histories);
    const states = this.hidden(tf.tensor1d(ids, 'int32'), tf.tensor2d(mask, [histories.length, S]));
    const last = tf.reshape(tf.slice(states, [0, S - 1, 0], [-1, 1, -1]), [histories.length, D]);
    return tf.matMul(last, this.outputTable, false, true);
  }

  /** The loss of a collated batch and every variable's gradient, for the caller to dispose of. */
  gradients(batch) {
    return tf.variableGrads(() => this.loss(batch), Object.values(this.variables));
  }
}
