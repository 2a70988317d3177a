import { expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { historyBatch, type TrainingBatch } from '../src/data/batches.js';
import { Sequences } from '../src/data/dataset.js';
import { cloze } from '../src/data/tasks.js';
import { Stream } from '../src/engine/stream.js';
import { Tape } from '../src/engine/tape.js';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import type { TransformerConfig, TransformerForm } from '../src/model/blocks/encoder.js';
import { SASREC_FORM } from '../src/model/blocks/transformer.js';
import { Model } from '../src/model/model.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig, type TrainOptions } from '../src/train/config.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu } from './support/device.js';
import { transformerReference, type Wide } from './support/transformer-reference.js';

const N = 23;
const SMALL = {
  ...{ sequence_length: 9, embedding_dim: 12, num_heads: 2, num_blocks: 2, loss: 'ce', init_std: 0.5 },
} satisfies Partial<TrainOptions>;
const PORT: TransformerForm = { ...SASREC_FORM, finalNorm: true, head: false, tied: false };

const histories = [[3, 7, 1, 20, 5], [9], [2, 2, 23, 4, 11, 6, 8, 1, 17]].map((items) => Uint32Array.from(items));
const plain = ((): TrainingBatch => {
  const { rows, tokens, ids, spans } = historyBatch(histories);
  return { rows, tokens, ids, spans, targets: ids.map((id, t) => 1 + ((7 * id + t) % N)) };
})();
const batchOf = ({ bidirectional }: TransformerForm): TrainingBatch =>
  bidirectional
    ? cloze({ mask: N + 1, rate: 0.3 }).training(Sequences.from(histories), Uint32Array.of(0, 2), 9, {
        seed: 1,
        epoch: 0,
      })
    : plain;

/** Each architecture of the family, and other members of it. */
const MEMBERS: readonly [string, Partial<TrainOptions>, TransformerForm][] = [
  ['gsasrec', { model: 'gsasrec' }, PORT],
  ['sasrec', { model: 'sasrec', reuse_item_embeddings: true }, { ...PORT, tied: true }],
  [
    'sasrec with norms before, GELU and a wide hidden layer',
    { model: 'sasrec', block_norm: 'before', feed_forward: 'gelu', hidden_factor: 3 },
    { ...PORT, norm: 'before', feedForward: 'gelu', hiddenFactor: 3 },
  ],
  [
    'sasrec with norms after, gates and no last norm',
    { model: 'sasrec', block_norm: 'after', gated_blocks: true, final_norm: false },
    { ...PORT, norm: 'after', gated: true, finalNorm: false },
  ],
  [
    'sasrec with SwiGLU and gates',
    { model: 'sasrec', feed_forward: 'swiglu', gated_blocks: true },
    { ...PORT, feedForward: 'swiglu', gated: true },
  ],
  [
    'esasrec',
    { model: 'esasrec' },
    {
      ...{ norm: 'before', gated: true, feedForward: 'swiglu', hiddenFactor: 4, hiddenBias: false },
      ...{ bidirectional: false, finalNorm: false, head: false, tied: true },
    },
  ],
  [
    'bert4rec',
    { model: 'bert4rec' },
    {
      ...{ norm: 'after', gated: false, feedForward: 'gelu', hiddenFactor: 4, hiddenBias: true },
      ...{ bidirectional: true, finalNorm: false, head: true, tied: true },
    },
  ],
];

/** The mean cross entropy over all items in float64. */
function lossOf(config: TransformerConfig, form: TransformerForm, weights: Wide): number {
  const batch = batchOf(form);
  const { embedding_dim: D } = config;
  const hidden = transformerReference(config, form, weights, batch.ids, batch.spans);
  const table = weights.get(form.tied ? 'item_embedding.weight' : 'output_embedding.weight')!;
  const score = (t: number, item: number) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += hidden[t * D + d] * table[item * D + d];
    return sum;
  };
  let [total, count] = [0, 0];
  batch.targets.forEach((target, t) => {
    const others = Array.from({ length: N }, (_, i) => i + 1).filter((item) => item !== target);
    const rivals = others.map((item) => score(t, item));
    const weight = batch.weights?.[t] ?? 1;
    count += weight;
    total += weight * JUDGES.ce.reference(score(t, target), rivals, {}, rivals.length);
  });
  return total / count;
}

it.each(MEMBERS)('%s has the hidden states, loss and gradients of its float64 reference', async (_, options, form) => {
  const config = resolveConfig(N, [{ ...SMALL, ...options }]);
  const batch = batchOf(form);
  const weights = initialParameters(config, { seed: 3, std: 0.5 });
  const wide: Wide = new Map([...weights].map(([name, { data }]) => [name, Float64Array.from(data)]));

  const stream = new Stream(gpu);
  const model = new Model(stream, config, weights);
  const arrived = stream.scope(() => {
    const tensors = {
      ids: stream.upload(batch.ids, [batch.tokens]),
      spans: stream.upload(batch.spans, [batch.tokens, 2]),
    };
    return stream.download(model.encode(new Tape(stream, false), tensors));
  });
  stream.submit();
  const hidden = (await arrived) as Float32Array;
  const expected = transformerReference(config, form, wide, batch.ids, batch.spans);
  const largest = Math.max(...expected.map(Math.abs));
  hidden.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(2e-5 * largest);
  });
  model.release();

  const trainer = new Trainer(gpu, config, { weights, step: 0 });
  const { loss, gradients } = await trainer.differentiate(batch);
  trainer.release();
  expect(loss).toBeCloseTo(lossOf(config, form, wide), 5);
  expect([...gradients.keys()]).toEqual([...weights.keys()]);

  // The derivative in a random direction of each parameter alone, by central differences of the reference.
  const random = new HostRandom(11);
  for (const [name, { data }] of gradients) {
    const direction = Float64Array.from(data, () => random.normal());
    const norm = Math.hypot(...direction);
    const step = 1e-5;
    const at = (sign: number) => {
      const moved = wide.get(name)!.map((value, i) => value + (sign * step * direction[i]) / norm);
      return lossOf(config, form, new Map([...wide, [name, moved]]));
    };
    const derivative = (at(1) - at(-1)) / (2 * step);
    let dot = 0;
    data.forEach((value, i) => {
      dot += (value * direction[i]) / norm;
    });
    expect(Math.abs(dot - derivative), name).toBeLessThan(1e-4 * Math.hypot(...data) + 1e-7);
  }
});

it('sasrec has the bits of gsasrec where its options are the same', async () => {
  const losses = await Promise.all(
    (['gsasrec', 'sasrec'] as const).map(async (model) => {
      const config = resolveConfig(N, [
        { ...SMALL, dropout_rate: 0.3, loss: 'gbce', negs_per_pos: 5 },
        { model, loss: 'gbce', negs_per_pos: 5 },
      ]);
      const trainer = new Trainer(gpu, config, { weights: initialParameters(config, { seed: 3 }), step: 0 });
      for (let i = 0; i < 3; i++) await trainer.train(plain);
      const weights = await trainer.weights();
      trainer.release();
      return weights;
    }),
  );
  expect(losses[1]).toEqual(losses[0]);
});
