// Compares the tfjs model with numbers of the official code before it is timed: what is wrong is not worth a time.
import { readFixture } from '../../.build/src/train/fixture.js';
import { tf } from './backend.mjs';
import { GSASRec } from './model.mjs';

const TOLERANCE = 1e-4; // of the loss, and of a gradient's largest element
/** Exactly zero in real arithmetic: what is there is rounding. */
const ZERO_GRADIENT = /key_proj\.bias$/;

/** @throws Error naming what differs from the fixture */
export async function checkAgainst(file) {
  const { config, meta, numbers, parameters } = readFixture(file);
  const shape = {
    items: config.num_items,
    sequence_length: config.sequence_length,
    embedding_dim: config.embedding_dim,
    blocks: config.num_blocks,
    heads: config.num_heads,
    negs_per_pos: meta.negs,
    gbce_t: meta.t,
    dropout: 0,
  };
  const model = new GSASRec(shape, parameters('param'));
  const [ids, labels, negatives] = ['model_input', 'labels', 'negatives'].map((name) => numbers(`input/${name}`));
  const k = meta.negs;
  const candidates = Array.from(labels, (label, p) => [label, ...negatives.slice(p * k, (p + 1) * k)]).flat();
  const { value, grads } = model.gradients(Int32Array.from(ids), Int32Array.from(candidates));
  const expected = numbers('out/loss')[0];
  const [loss] = await value.data();
  if (!(Math.abs(loss - expected) <= TOLERANCE * expected))
    throw new Error(`${file}: the loss is ${loss}, not ${expected}`);
  for (const [name, { data }] of parameters('grad')) {
    if (ZERO_GRADIENT.test(name)) continue;
    const actual = await grads[name].data();
    const largest = data.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const apart = data.reduce((most, g, i) => Math.max(most, Math.abs(g - actual[i])), 0);
    if (!(apart <= TOLERANCE * largest))
      throw new Error(`${file}: the gradient of ${name} is off by ${apart / largest} of its largest`);
  }
  tf.dispose([value, grads, Object.values(model.variables)]);
}
