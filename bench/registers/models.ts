import { Sequences } from '../../src/data/dataset.js';
import type { Program } from '../../src/engine/program.js';
import { NeuralRecommender } from '../../src/infer/neural.js';
import { initialParameters } from '../../src/model/parameters.js';
import { type ImaginedHardware, openNullGpu } from '../../src/node/null-gpu.js';
import { resolveConfig, type TrainConfig, type TrainOptions } from '../../src/train/config.js';
import { stepPrograms } from '../../src/train/step-programs.js';

/** A shader that one model launches. */
export interface Shader {
  model: string;
  kernel: string;
  source: string;
}

const ITEMS = 1000; // shaders hold no count of items
const BATCH = { num_blocks: 1, train_batch_size: 32 };
const ML1M = {
  sequence_length: 200,
  embedding_dim: 128,
  num_heads: 1,
  negs_per_pos: 256,
  gbce_t: 0.75,
  dropout_rate: 0.5,
};

/** Models whose steps launch all there is, among them the narrowest and the widest heads that are promised to fit. */
export const MODELS: Readonly<Record<string, Partial<TrainOptions>>> = {
  ml1m: ML1M,
  'ml1m H=8': { ...ML1M, num_heads: 8 },
  'D=32': { ...ML1M, embedding_dim: 32 },
  'D=64': { ...ML1M, embedding_dim: 64 },
  'D=64 H=2, no dropout': { ...ML1M, embedding_dim: 64, num_heads: 2, dropout_rate: 0 },
  'D=256': { ...ML1M, embedding_dim: 256 },
  'D=256 H=8': { ...ML1M, embedding_dim: 256, num_heads: 8 },
  'D=50': { ...ML1M, embedding_dim: 50 },
  'k=1': { ...ML1M, negs_per_pos: 1, gbce_t: 0 },
  'ssm, lazy': { ...ML1M, loss: 'ssm', table_updates: 'lazy' },
  'ce over the catalogue, sgd': { ...ML1M, loss: 'ce', optimizer: 'sgd' },
};

const HISTORY = Sequences.from([Uint32Array.of(1, 2, 3)]);

/**
 * The shaders of each model's training step, evaluation and explanation, each text once: those of an adapter with subgroups and, under another
 * name, those of one without.
 * @param lanes of a subgroup
 */
export async function shadersOf(models: typeof MODELS, lanes: number): Promise<Shader[]> {
  const shaders = new Map<string, Shader>();
  for (const [name, options] of Object.entries(models)) {
    const config = resolveConfig(ITEMS, [BATCH, options]);
    for (const subgroups of [true, false]) {
      const model = subgroups ? name : `${name}, no subgroups`;
      for (const program of await programsOf(config, subgroups ? [lanes, lanes] : null)) {
        const { name: kernel, source } = program;
        if (!shaders.has(source)) shaders.set(source, { model, kernel, source });
      }
    }
  }
  return [...shaders.values()];
}

async function programsOf(config: TrainConfig, lanes: ImaginedHardware['lanes']): Promise<Program[]> {
  const gpu = await openNullGpu({ lanes });
  try {
    const weights = initialParameters(config, { seed: config.seed });
    const tokens = config.train_batch_size * config.sequence_length;
    await stepPrograms(gpu, config, { weights, step: 0 }, tokens, { counts: new Float64Array(ITEMS + 1).fill(1) });
    const recommender = NeuralRecommender.on(gpu, { config, weights });
    await recommender.rank({ inputs: HISTORY, targets: Uint32Array.of(4) }, { top: 10 });
    await recommender.explain?.([HISTORY.at(0)]);
    return gpu.pipelines.programs;
  } finally {
    gpu.close();
  }
}
