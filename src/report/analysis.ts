import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { checkSchema, type Schema } from '../base/schema.js';
import type { DatasetProfile } from '../data/profile.js';
import { readJson, writeWhole } from '../store/files.js';

/** What was measured for the report of a run's best weights. Probabilities are the scores' sigmoids. */
export interface Analysis {
  /** Optimizer steps that led to the weights. */
  readonly step: number;
  /** Users of the test split. If fewer are used below, they are spread evenly over it. */
  readonly users: number;
  readonly rankings: readonly Ranked[];
  /** What tells the ranked users apart; earlier versions left it out. */
  readonly cases?: Cases;
  /** The whole data; earlier versions left it out. */
  readonly data?: DatasetProfile;
  readonly calibration: Calibration;
  readonly examples: readonly Example[];
  /** Left out if the adapter has no timestamps. */
  readonly profile?: Profile;
}

/** The ranks of the users' targets: 1 is best, 0 not found. The model comes first. */
export interface Ranked {
  readonly name: string;
  readonly ranks: readonly number[];
  /** It knows the truth, so it is an upper bound and no rival. */
  readonly bound?: boolean;
  /** The share of the catalogue in the first ten of any user, and how often the items there occur in training, on average. */
  readonly exposure?: { readonly coverage: number; readonly popularity: number };
}

/** For each ranked user the length of the history, and how often the target occurs in training. */
export interface Cases {
  readonly lengths: readonly number[];
  readonly popularities: readonly number[];
}

/** Over users' top K, as in Figure 2 of gSASRec (RecSys '23, https://arxiv.org/abs/2308.07192). */
export interface Calibration {
  readonly users: number;
  readonly cutoffs: readonly number[];
  /** Mean predicted probability@K and mean precision@K, for each cutoff. */
  readonly probability: readonly number[];
  readonly precision: readonly number[];
  /** The mean probability at each rank from 1. */
  readonly byRank: readonly number[];
}

/** An item as a report names it. */
export interface Item {
  readonly id: number;
  /** Its title or, without one, its id in the log. */
  readonly title?: string;
}

/** A user of the test split. */
export interface Example {
  /** Line of the split, from 1. */
  readonly user: number;
  /** The user's id in the log. */
  readonly name?: string;
  /** The latest items, the last one last. */
  readonly history: readonly Item[];
  /** The length of the whole history. */
  readonly length: number;
  /** What came next, and its rank; 0 if it was not found. */
  readonly target: Item;
  readonly rank: number;
  readonly recommended: readonly Item[];
  /** At each rank from 1. */
  readonly probabilities: readonly number[];
}

/** Profile of some training steps from the best weights on. */
export interface Profile {
  readonly steps: number;
  /** Positions per step. */
  readonly positions: number;
  /** The longest first; milliseconds and launches per step. */
  readonly kernels: readonly { readonly name: string; readonly milliseconds: number; readonly launches: number }[];
}

const FILE = 'analysis.json';
const LINES: Schema = {
  lines: 'number',
  interactions: 'number',
  lengths: { mean: 'number', min: 'number', p10: 'number', p50: 'number', p90: 'number', max: 'number' },
  repeats: 'number',
};
const ITEM: Schema = { id: 'number', 'title?': 'string' };
const SCHEMA: Schema = {
  step: 'number',
  users: 'number',
  rankings: [
    {
      name: 'string',
      ranks: ['number'],
      'bound?': 'boolean',
      'exposure?': { coverage: 'number', popularity: 'number' },
    },
  ],
  'cases?': { lengths: ['number'], popularities: ['number'] },
  'data?': {
    train: LINES,
    val: LINES,
    test: LINES,
    'ties?': { interactions: 'number', testTargets: 'number' },
    lengths: [{ from: 'number', to: 'number', count: 'number' }],
    popularity: [{ items: 'number', interactions: 'number' }],
  },
  calibration: {
    users: 'number',
    cutoffs: ['number'],
    probability: ['number'],
    precision: ['number'],
    byRank: ['number'],
  },
  examples: [
    {
      user: 'number',
      'name?': 'string',
      history: [ITEM],
      length: 'number',
      target: ITEM,
      rank: 'number',
      recommended: [ITEM],
      probabilities: ['number'],
    },
  ],
  'profile?': {
    steps: 'number',
    positions: 'number',
    kernels: [{ name: 'string', milliseconds: 'number', launches: 'number' }],
  },
};

/** What `writeAnalysis` wrote; undefined if there is none. @throws InputError if the file is damaged */
export function readAnalysis(run: string): Analysis | undefined {
  const file = join(run, FILE);
  if (!existsSync(file)) return undefined;
  const analysis = readJson(file) as Analysis;
  const advice = 'remove the file, `gsas-wgpu report` makes another';
  checkSchema(analysis, SCHEMA, file, advice);
  const { rankings, examples, calibration } = analysis;
  const lists = { rankings, examples, 'calibration.cutoffs': calibration.cutoffs };
  for (const [name, { length }] of Object.entries(lists))
    if (length === 0) throw new InputError(`${file}: ${name} is empty; ${advice}`);
  const users = rankings[0].ranks.length;
  const perUser = [...Object.values(analysis.cases ?? {}), ...rankings.map(({ ranks }) => ranks)];
  const odd = perUser.find(({ length }) => length !== users);
  if (odd) throw new InputError(`${file}: it is of ${users} users, but has a list of ${odd.length}; ${advice}`);
  return analysis;
}

export function writeAnalysis(run: string, analysis: Analysis): void {
  writeWhole(join(run, FILE), [Buffer.from(`${JSON.stringify(analysis)}\n`)]);
}
