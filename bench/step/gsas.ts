import { Sequences, type Split } from '../../src/data/dataset.js';
import { metricsOf } from '../../src/data/metrics.js';
import { NeuralRecommender } from '../../src/infer/neural.js';
import { openGpu } from '../../src/node/gpu.js';
import { Trainer } from '../../src/train/trainer.js';
import { peakRssMib } from '../common/memory.js';
import { onError, processOptions, serve, TOP } from './protocol.js';
import { Batches, layOut } from './rows.js';
import { configOf, weightsOf } from './weights.js';

/** Our training step and evaluation as a process of its own, each from ids on the host to numbers on the host. */

onError();
const { shape, rows, weights, profile, noFilter } = processOptions();
const gpu = await openGpu({ profile });
const idle_rss_mib = peakRssMib();

const config = configOf(shape);
const trainer = new Trainer(gpu, config, { weights: weightsOf(shape, weights), step: 0 });
const recommender = new NeuralRecommender(trainer.model, config);
const batches = new Batches(rows, shape.batch_size, shape.sequence_length);
const split: Split = {
  inputs: Sequences.from(batches.rows.map((row) => row.subarray(0, -1))),
  targets: Uint32Array.from(batches.rows, (row) => row.at(-1)!),
};

async function measured(result: object) {
  const kernels = await gpu.profiler?.take();
  return { ...result, device_mib: gpu.pool.peakBytes / 2 ** 20, ...(kernels && { kernels }) };
}

function evaluate() {
  return recommender.rank(split, { filterRated: !noFilter, top: TOP });
}

let prepared = false;
await serve(
  {
    async step() {
      if (!prepared) await trainer.prepare(batches.capacity);
      prepared = true;
      return measured({ loss: await trainer.train(layOut(batches.next())) });
    },
    eval: async () => measured({ 'ndcg@10': metricsOf((await evaluate()).ranks)['ndcg@10'] }),
    async ranks() {
      const { ranks, top } = await evaluate();
      const best = Array.from(ranks, (_, user) => [...top.subarray(user * TOP, (user + 1) * TOP)]);
      return { ranking: { ranks: Array.from(ranks, (rank) => (rank === Infinity ? 0 : rank)), top: best } };
    },
  },
  { idle_rss_mib },
);
gpu.close();
