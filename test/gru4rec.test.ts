import { expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { historyBatch, type TrainingBatch } from '../src/data/batches.js';
import { gatherReference } from '../src/kernels/gather/spec.js';
import { gruReference } from '../src/kernels/gru/reference.js';
import { linearReference } from '../src/kernels/linear/reference.js';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu } from './support/device.js';

const N = 17;
const D = 12;
const LAYERS = 2;

const batch = ((): TrainingBatch => {
  const { rows, tokens, ids, spans } = historyBatch(
    [[3, 7, 1, 5], [9], [2, 2, 4, 11, 6]].map((row) => Uint32Array.from(row)),
  );
  return { rows, tokens, ids, spans, targets: ids.map((id, t) => 1 + ((7 * id + t) % N)) };
})();

/** The mean cross entropy over all items in float64. */
function lossOf(weights: ReadonlyMap<string, Float64Array>): number {
  const get = (name: string) => weights.get(name)!;
  const T = batch.tokens;
  let x = gatherReference(get('item_embedding.weight'), batch.ids, D);
  for (let i = 0; i < LAYERS; i++) {
    const linear = { x, weight: get(`gru.weight_ih_l${i}`), bias: get(`gru.bias_ih_l${i}`) };
    const inputs = linearReference(linear, { T, N: 3 * D, K: D }, () => 1);
    x = gruReference(inputs, get(`gru.weight_hh_l${i}`), get(`gru.bias_hh_l${i}`), batch.spans, D);
  }
  const table = get('output_embedding.weight');
  const score = (t: number, item: number) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += x[t * D + d] * table[item * D + d];
    return sum;
  };
  let total = 0;
  batch.targets.forEach((target, t) => {
    const others = Array.from({ length: N }, (_, i) => i + 1).filter((item) => item !== target);
    const rivals = others.map((item) => score(t, item));
    total += JUDGES.ce.reference(score(t, target), rivals, {}, rivals.length);
  });
  return total / T;
}

it('has the loss and gradients of its float64 reference, layer on layer', async () => {
  const config = resolveConfig(N, [{ model: 'gru4rec', embedding_dim: D, num_layers: LAYERS, sequence_length: 5 }]);
  const weights = initialParameters(config, { seed: 3, std: 0.5 });
  const wide = new Map([...weights].map(([name, { data }]) => [name, Float64Array.from(data)]));
  const trainer = new Trainer(gpu, config, { weights, step: 0 });
  const { loss, gradients } = await trainer.differentiate(batch);
  trainer.release();
  expect(loss).toBeCloseTo(lossOf(wide), 5);
  expect([...gradients.keys()]).toEqual([...weights.keys()]);
  const random = new HostRandom(11);
  for (const [name, { data }] of gradients) {
    const direction = Float64Array.from(data, () => random.normal());
    const norm = Math.hypot(...direction);
    const at = (step: number) =>
      lossOf(new Map([...wide, [name, wide.get(name)!.map((value, i) => value + (step * direction[i]) / norm)]]));
    const derivative = (at(1e-5) - at(-1e-5)) / 2e-5;
    let dot = 0;
    data.forEach((value, i) => {
      dot += (value * direction[i]) / norm;
    });
    expect(Math.abs(dot - derivative), name).toBeLessThan(1e-4 * Math.hypot(...data) + 1e-7);
  }
});

it('is refused where its state would not fit', () => {
  expect(() => resolveConfig(N, [{ model: 'gru4rec', embedding_dim: 2048 }])).toThrow(
    'embedding_dim is 2048; gru4rec takes 1024 at most',
  );
});
