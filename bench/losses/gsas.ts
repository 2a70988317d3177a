import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsOf } from '../../src/base/options.js';
import { drawCandidates } from '../../src/kernels/score/draw/index.js';
import { hardestNegatives } from '../../src/kernels/score/negatives/hardest.js';
import { drawnCandidates, uploadHistories } from '../../src/kernels/score/sampler.js';
import { DRAWING } from '../../src/kernels/score/samplers/index.js';
import { uniformReject } from '../../src/kernels/score/samplers/uniform-reject.js';
import { initialParameters } from '../../src/model/parameters.js';
import { registerArchitecture } from '../../src/model/registry.js';
import { openGpu } from '../../src/node/gpu.js';
import { objectiveOf } from '../../src/train/objective.js';
import { Trainer } from '../../src/train/trainer.js';
import { peakRssMib } from '../common/memory.js';
import { onError, serve } from '../step/protocol.js';
import { writeWeights } from '../step/weights.js';
import { bare } from './bare.js';
import { batchOfCase, configOfCase, countsOf, type LossCase, sharesLists } from './case.js';
import { sampleOf } from './check.js';

/**
 * Our side of a case: argument 1 is the folder with `case.json`. It adds all that another implementation needs to compute the same: the weights, the batch and
 * the negatives of the first step.
 */
onError();
const folder = process.argv[2];
const subject: LossCase = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
registerArchitecture(bare);
const gpu = await openGpu();
const idle_rss_mib = peakRssMib();
const config = configOfCase(subject);
const batch = batchOfCase(subject);
const counts = countsOf(batch, config.num_items);
const weights = initialParameters(config, { seed: 1, std: 0.3 });
const trainer = new Trainer(gpu, config, { weights, step: 0 }, { counts });
const objective = objectiveOf(config);
const { judge, settings } = objective.verdict;

writeWeights(join(folder, 'weights.safetensors'), weights);
const drawn = await negativesOfFirstStep();
const draws = objective.negatives.draws?.(counts, config);
writeFileSync(
  join(folder, 'batch.json'),
  JSON.stringify({
    ...{ loss: subject.loss, negatives: subject.negatives, settings, divisor: judge.divisor(drawn.hardest ?? drawn.k) },
    ...{ k: drawn.k, hardest: drawn.hardest ?? null },
    lazy: config.num_items > 100_000,
    ids: [...batch.ids],
    targets: [...batch.targets],
    spans: [...batch.spans],
    counts: [...counts],
    draws: Array.from(batch.targets, (target) => draws?.[target - 1] ?? 0),
    width: drawn.width,
  }),
);
writeFileSync(join(folder, 'negatives.bin'), drawn.ids);
writeFileSync(join(folder, 'lists.bin'), drawn.listOf);

interface Drawn {
  /** [T, k], or lists [G, W] */
  ids: Uint32Array;
  /** [T] of lists */
  listOf: Uint32Array;
  /** k or W */
  width: number;
  k: number;
  /** How many of them are learnt from, if not all. */
  hardest?: number;
}

/** What the first step draws. */
async function negativesOfFirstStep(): Promise<Drawn> {
  const { stream, model } = trainer;
  const none = new Uint32Array(0);
  stream.random = { seed: config.seed, step: 1, first: 0, tokens: batch.tokens };
  if (sharesLists(subject.negatives)) {
    const host = { ...batch, first: 0, all: [batch] };
    const lists = objective.negatives.lists!(stream, model.outputTable, host, objective);
    const ids = (await stream.read(lists.ids)) as Uint32Array;
    return { ids, listOf: (await stream.read(lists.listOf)) as Uint32Array, width: lists.ids.shape[1], k: lists.k };
  }
  const { hardest, negs_per_pos: k } = config;
  const chosen = subject.negatives === hardestNegatives.name;
  const sampler = chosen ? uniformReject : DRAWING[subject.negatives];
  if (!sampler) return { ids: none, listOf: none, width: 0, k: config.num_items - 1 };
  const rows = { spans: batch.spans, histories: rowsOf() };
  const source =
    objective.negatives.prepare?.(stream, counts, config) ?? uploadHistories(stream, sampler, rows, config.num_items);
  const given = { settings: settingsOf(sampler, { ...config }), source };
  const ids = drawCandidates(stream, drawnCandidates(sampler, k, config.num_items, given), batch.tokens);
  return { ids: (await stream.read(ids)) as Uint32Array, listOf: none, width: k, k, ...(chosen && { hardest }) };
}

/** All items of each row: its inputs and its last target. */
function rowsOf(): Uint32Array[] {
  const rows: Uint32Array[] = [];
  for (let t = 0; t < batch.tokens; t = batch.spans[2 * t + 1]) {
    const end = batch.spans[2 * t + 1];
    rows.push(Uint32Array.of(...batch.ids.subarray(t, end), batch.targets[end - 1]));
  }
  return rows;
}

let prepared = false;
await serve(
  {
    async step() {
      if (!prepared) await trainer.prepare(batch.tokens);
      prepared = true;
      return { loss: await trainer.train(batch), device_mib: gpu.pool.peakBytes / 2 ** 20 };
    },
    async check() {
      const { loss, gradients } = await trainer.differentiate(batch);
      return { loss, gradients: [...gradients.values()].map(({ data }) => sampleOf(data)) };
    },
  },
  { idle_rss_mib },
);
gpu.close();
