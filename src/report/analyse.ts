import { InputError } from '../base/errors.js';
import { countItems } from '../data/counts.js';
import { type Dataset, Sequences, type Split } from '../data/dataset.js';
import { coverageAt, popularityAt } from '../data/exposure.js';
import { mean } from '../data/metrics.js';
import { profileDataset } from '../data/profile.js';
import type { Ties } from '../data/stats.js';
import type { Gpu } from '../engine/gpu.js';
import type { Recommendation } from '../infer/answers.js';
import { NeuralRecommender } from '../infer/neural.js';
import type { Recommender } from '../infer/recommender.js';
import { baselinesOf, type Source } from '../store/source.js';
import type { ItemNames } from '../store/titles.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { drawnFrom } from '../train/plan.js';
import { Trainer } from '../train/trainer.js';
import type { Analysis, Calibration, Example, Item, Profile, Ranked } from './analysis.js';

/** Enough for all of MovieLens-1M's users. A larger split is sampled, so that a report takes only seconds. */
const RANKED_USERS = 8192;
const CALIBRATION_USERS = 2048;
/** The most scores to compute for the baselines, which run on the host. */
const BASELINE_SCORES = 5e7;
const TOP = 100;
const CUTOFFS = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100];
const EXAMPLES = 3;
const SHOWN = 10;
const PROFILE_STEPS = 10;
const PROFILE_MS = 5000;

/**
 * Measures a checkpoint on its data's test split, and the data; also GPU time by kernel, if the device was opened with `profile`.
 * @param ties as counted by the import; null if they are not known
 * @throws InputError for an empty test split
 */
export async function analyse(
  gpu: Gpu,
  checkpoint: Checkpoint,
  source: Source,
  names: Names,
  ties: Ties | null = null,
): Promise<Analysis> {
  const { config, step } = checkpoint;
  const { dataset } = source;
  const filterRated = config.filter_rated;
  if (dataset.test.targets.length === 0) throw new InputError(`the test split of ${dataset.name} is empty`);
  const recommender = NeuralRecommender.on(gpu, checkpoint);
  try {
    const split = sampleUsers(dataset.test, RANKED_USERS);
    const affordable = split.targets.length * dataset.numItems <= BASELINE_SCORES;
    const rankings: Ranked[] = [];
    const counts = countItems(dataset);
    for (const one of [recommender, ...(affordable ? baselinesOf(source) : [])]) {
      const ranking = await one.rank(split, { filterRated, top: Math.min(SHOWN, dataset.numItems) });
      rankings.push({
        name: one.name,
        ranks: found(ranking.ranks),
        ...(one === source.oracle && { bound: true }),
        exposure: {
          coverage: coverageAt(SHOWN, ranking, dataset.numItems),
          popularity: mean(popularityAt(SHOWN, ranking, counts)),
        },
      });
    }
    const cases = {
      lengths: Array.from(split.targets, (_, user) => split.inputs.lengthOf(user)),
      popularities: Array.from(split.targets, (target) => counts[target]),
    };
    const data = profileDataset(dataset, ties);
    const calibration = await calibrate(recommender, sampleUsers(dataset.test, CALIBRATION_USERS), filterRated);
    const examples = await exemplify(recommender, dataset.test, names, filterRated);
    const profile = gpu.profiler && (await profileSteps(gpu, checkpoint, dataset));
    const users = dataset.test.targets.length;
    return { step, users, rankings, cases, data, calibration, examples, ...(profile && { profile }) };
  } finally {
    recommender.release();
  }
}

/** Names of items by id, and of users by line of the test split. */
export interface Names {
  readonly items: ItemNames;
  readonly users?: readonly string[] | undefined;
}

/** At most `most` users of a split, spread evenly over it. */
function sampleUsers(split: Split, most: number): Split {
  const users = split.targets.length;
  if (users <= most) return split;
  const lines = Array.from({ length: most }, (_, i) => Math.floor((i * users) / most));
  return {
    inputs: Sequences.from(lines.map((line) => split.inputs.at(line))),
    targets: Uint32Array.from(lines, (line) => split.targets[line]),
    ...(split.users && { users: Uint32Array.from(lines, (line) => split.users![line]) }),
  };
}

/** JSON has no Infinity. */
function found(ranks: Float64Array): number[] {
  return Array.from(ranks, (rank) => (Number.isFinite(rank) ? rank : 0));
}

async function calibrate(
  recommender: Recommender,
  { inputs, targets }: Split,
  filterRated: boolean,
): Promise<Calibration> {
  const histories = Array.from({ length: inputs.count }, (_, i) => Array.from(inputs.at(i)));
  const top = Math.min(TOP, recommender.numItems);
  const lists = await recommender.top(histories, { top, filterRated });
  const cutoffs = CUTOFFS.filter((cutoff) => cutoff <= top);
  const users = lists.length;
  const meanOf = (value: (list: Recommendation[], user: number) => number) =>
    lists.reduce((sum, list, user) => sum + value(list, user), 0) / users;
  const hit = (list: Recommendation[], user: number) => list.some(({ item }) => item === targets[user]);
  return {
    users,
    cutoffs,
    probability: cutoffs.map((k) => meanOf((list) => sum(list.slice(0, k).map(probability)) / k)),
    precision: cutoffs.map((k) => meanOf((list, user) => (hit(list.slice(0, k), user) ? 1 / k : 0))),
    byRank: Array.from({ length: top }, (_, r) => meanOf((list) => (list[r] ? probability(list[r]) : 0))),
  };
}

async function exemplify(
  recommender: Recommender,
  split: Split,
  names: Names,
  filterRated: boolean,
): Promise<Example[]> {
  const count = Math.min(EXAMPLES, split.targets.length);
  const users = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * split.targets.length) / count));
  const histories = users.map((user) => Array.from(split.inputs.at(user)));
  const lists = await recommender.top(histories, { top: Math.min(TOP, recommender.numItems), filterRated });
  const targets = Uint32Array.from(users, (user) => split.targets[user]);
  const { ranks } = await recommender.rank({ inputs: Sequences.from(histories), targets }, { filterRated });
  const item = (id: number): Item => {
    const title = names.items.titles.get(id) || names.items.originals.get(id);
    return title ? { id, title } : { id };
  };
  return users.map((user, i) => ({
    user: user + 1,
    ...(names.users && { name: names.users[user] }),
    history: histories[i].slice(-SHOWN).map(item),
    length: histories[i].length,
    target: item(targets[i]),
    rank: found(ranks)[i],
    recommended: lists[i].slice(0, SHOWN).map((entry) => item(entry.item)),
    probabilities: lists[i].map(probability),
  }));
}

/** GPU time of training steps on a copy of the weights, after two to warm up. */
async function profileSteps(gpu: Gpu, { config, weights }: Checkpoint, dataset: Dataset): Promise<Profile> {
  const { batches, counts } = drawnFrom(dataset, config);
  const trainer = new Trainer(gpu, config, { weights, step: 0 }, { counts });
  try {
    await trainer.prepare(batches.capacity);
    let at = 0;
    const step = async () => {
      const batch = batches.batch(0, at++ % batches.perEpoch);
      await trainer.train(batch);
      return batch.tokens;
    };
    await step();
    await step();
    await gpu.profiler!.take();
    const since = performance.now();
    let steps = 0;
    let positions = 0;
    for (; steps < PROFILE_STEPS && (steps === 0 || performance.now() - since < PROFILE_MS); steps++) {
      positions += await step();
    }
    const times = new Map<string, { milliseconds: number; launches: number }>();
    for (const { name, milliseconds, launches } of await gpu.profiler!.take()) {
      const total = times.get(name) ?? { milliseconds: 0, launches: 0 };
      times.set(name, { milliseconds: total.milliseconds + milliseconds, launches: total.launches + launches });
    }
    const kernels = [...times].map(([name, total]) => ({
      name,
      milliseconds: total.milliseconds / steps,
      launches: total.launches / steps,
    }));
    return { steps, positions: positions / steps, kernels: kernels.sort((a, b) => b.milliseconds - a.milliseconds) };
  } finally {
    trainer.release();
  }
}

function probability({ score }: Recommendation): number {
  return 1 / (1 + Math.exp(-score));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
