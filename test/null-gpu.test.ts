import { describe, expect, it } from 'vitest';
import { layOut } from '../bench/step/rows.js';
import { Sequences } from '../src/data/dataset.js';
import type { Gpu } from '../src/engine/gpu.js';
import { parseProgram } from '../src/engine/program.js';
import { Stream } from '../src/engine/stream.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { initialParameters } from '../src/model/parameters.js';
import { type ImaginedHardware, openNullGpu } from '../src/node/null-gpu.js';
import { resolveConfig, type TrainOptions } from '../src/train/config.js';
import { Trainer } from '../src/train/trainer.js';

/** The official model of ML-1M. */
const ITEMS = 3416;
const COMMON = { sequence_length: 200, embedding_dim: 128, num_heads: 1, num_blocks: 2, train_batch_size: 32 };

/** Dispatches of its step on the largest batch, whatever the adapter; fewer tokens are summed in fewer parts. */
const LAUNCHES = 194;

const HARDWARE: [string, ImaginedHardware['lanes']][] = [
  ...[8, 16, 32, 64, 128].map((lanes): [string, [number, number]] => [`subgroups of ${lanes}`, [lanes, lanes]]),
  ['subgroups of 8 to 32', [8, 32]],
  ['no subgroups', null],
];

/** Rows of different lengths, no two batches alike, and none larger than the first. */
function batches(count: number) {
  return Array.from({ length: count }, (_, batch) =>
    layOut(
      Array.from({ length: COMMON.train_batch_size }, (_, row) =>
        Uint32Array.from({ length: 201 - ((13 * batch * row) % 160) }, (_, i) => 1 + ((7 * i + row) % ITEMS)),
      ),
    ),
  );
}

function trainerOf(gpu: Gpu, options: Partial<TrainOptions>) {
  const config = resolveConfig(ITEMS, [COMMON, options]);
  const weights = initialParameters(config, { seed: 1 });
  return { config, weights, trainer: new Trainer(gpu, config, { weights, step: 0 }) };
}

describe.each(HARDWARE)("WebGPU's default limits and %s", (_, lanes) => {
  it(`a training step of the official model takes ${LAUNCHES} launches, and from the third on no new buffer`, async () => {
    const gpu = await openNullGpu({ lanes }, { profile: true });
    const { trainer } = trainerOf(gpu, { negs_per_pos: 256, gbce_t: 0.75, dropout_rate: 0.5 });
    const created = [];
    const launches = [];
    for (const batch of batches(5)) {
      await trainer.train(batch);
      created.push(gpu.created);
      launches.push((await gpu.profiler!.take()).reduce((sum, kernel) => sum + kernel.launches, 0));
    }
    expect(launches[0]).toBe(LAUNCHES);
    expect(Math.max(...launches)).toBe(LAUNCHES);
    expect(created.slice(2)).toEqual(Array(3).fill(created[1]));
    await gpu.settle();
    gpu.close();
  });

  it.each([
    ['a head of 16 columns', { num_heads: 8, negs_per_pos: 1 }],
    ['an odd width', { embedding_dim: 50, num_heads: 2, negs_per_pos: 7 }],
    ['sampled softmax, lazy updates', { loss: 'ssm', table_updates: 'lazy' }],
    [
      'sampled softmax over a list for each sequence',
      { loss: 'ssm', negatives: 'per-sequence', without_replacement: true, negs_per_pos: 300, embedding_dim: 64 },
    ],
    ['pairs within a batch, an odd width', { loss: 'bpr', negatives: 'in-batch', embedding_dim: 50, num_heads: 2 }],
    ['cross entropy over the catalogue', { loss: 'ce', optimizer: 'sgd', embedding_dim: 64 }],
  ] satisfies [string, Partial<TrainOptions>][])(
    '%s trains, ranks and explains without an error',
    async (_, options) => {
      const gpu = await openNullGpu({ lanes });
      const { config, weights, trainer } = trainerOf(gpu, { ...options, dropout_rate: 0.2 });
      await trainer.prepare(COMMON.train_batch_size * COMMON.sequence_length);
      for (const batch of batches(2)) await trainer.train(batch);
      const recommender = NeuralRecommender.on(gpu, { config, weights });
      const inputs = Sequences.from([Uint32Array.of(1, 2, 3), Uint32Array.of(4)]);
      await recommender.rank({ inputs, targets: Uint32Array.of(4, 5) }, { top: 10 });
      await recommender.explain!([inputs.at(0)]);
      await gpu.settle();
      gpu.close();
    },
  );
});

it.each([
  [[32, 64], true, 32],
  [[8, 32], true, 32],
  [[8, 16], true, 16],
  [[4, 8], true, 8],
  [[64, 64], true, 64],
  [[64, 128], true, 64],
  [[4, 4], true, 4],
  [[128, 128], false, 128],
  [[32, 32], false, 32],
  [[32, 64], false, 0],
  [null, false, 0],
] satisfies [ImaginedHardware['lanes'], boolean, number][])(
  'of subgroups of %j lanes, their size stated: %s, kernels rely on %i',
  async (lanes, sizeControl, expected) => {
    const gpu = await openNullGpu({ lanes, sizeControl });
    expect(gpu.capabilities).toMatchObject({ subgroupSize: expected, subgroupSizeStated: sizeControl });
    gpu.close();
    const without = await openNullGpu({ lanes, sizeControl }, { subgroups: false });
    expect(without.capabilities).toMatchObject({ subgroupSize: 0, subgroupSizeStated: false });
    without.close();
  },
);

it('what a default device does not allow is an error there too', async () => {
  const gpu = await openNullGpu({ lanes: null });
  const stream = new Stream(gpu);
  const large = parseProgram('large', '@compute @workgroup_size(512) fn main() {}');
  stream.dispatch(large, {}, 1);
  await expect(stream.finish()).rejects.toThrow(/512/);
  gpu.close();
});
