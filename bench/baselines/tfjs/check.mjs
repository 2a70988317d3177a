// Compares the tfjs model with numbers of the official code before it is timed: what is wrong is not worth a time.
import { readFixture } from '../../.build/src/store/fixture.js';
import { dataOf, tf } from './backend.mjs';

const TOLERANCE = 1e-4; // of the loss, and of a gradient's largest element
/** Exactly zero in real arithmetic: what is there is rounding. */
const ZERO_GRADIENT = /key_proj\.bias$/;

/** @param Model GSASRec of model.mjs or of ragged.mjs. @throws Error naming what differs from the fixture */
export async function checkAgainst(file, Model) {
  const { config, meta, numbers, parameters } = readFixture(file);
  const { num_items: items, sequence_length: S } = config;
  const k = meta.negs;
  const model = new Model(
    {
      items,
      sequence_length: S,
      embedding_dim: config.embedding_dim,
      blocks: config.num_blocks,
      heads: config.num_heads,
      negs_per_pos: k,
      gbce_t: meta.t,
      dropout: 0,
    },
    parameters('param'),
  );
  const [positives, negatives] = ['positives', 'negatives'].map((name) => numbers(`input/${name}`));
  const rows = Array.from({ length: meta.batch }, (_, b) =>
    Int32Array.from(positives.slice(b * (S + 1), (b + 1) * (S + 1)).filter((id) => id !== items + 1)),
  );
  const batch = model.collate(rows, (b, s, j) => negatives[(b * S + s) * k + j]);
  const { value, grads } = model.gradients(batch);
  const expected = numbers('out/loss')[0];
  const [loss] = await dataOf(value);
  if (!(Math.abs(loss - expected) <= TOLERANCE * expected))
    throw new Error(`${file}: the loss is ${loss}, not ${expected}`);
  for (const [name, { data }] of parameters('grad')) {
    if (ZERO_GRADIENT.test(name)) continue;
    const actual = await dataOf(grads[name]);
    const largest = data.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const apart = data.reduce((most, g, i) => Math.max(most, Math.abs(g - actual[i])), 0);
    if (!(apart <= TOLERANCE * largest))
      throw new Error(`${file}: the gradient of ${name} is off by ${apart / largest} of its largest`);
  }
  tf.dispose([value, grads, Object.values(model.variables)]);
}
