import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LineStats } from '../../src/data/stats.js';
import type { Analysis } from '../../src/report/analysis.js';
import type { Session } from '../../src/store/sessions.js';
import { resolveConfig } from '../../src/train/config.js';

export const HOSTILE = '<script>alert("&")</script>';

const RANKS = Array.from({ length: 200 }, (_, user) => (user * 7) % 60);

function linesOf(interactions: number, held: number): LineStats {
  const lengths = { mean: interactions / 200, min: 2, p10: 3, p50: 5, p90: 7, max: 7 };
  return { lines: 200, interactions, lengths, repeats: 0.125, seenTargets: held === 0 ? null : 0.26 };
}

/** What a report needs from an analysis, with a title that looks like a script. */
export const ANALYSIS: Analysis = {
  step: 20,
  users: 200,
  rankings: [
    { name: 'gSASRec', ranks: RANKS, exposure: { coverage: 0.337, popularity: 12.4 } },
    { name: 'popularity', ranks: RANKS.map((rank) => 5 * rank), exposure: { coverage: 0.1, popularity: 90 } },
    { name: 'oracle', ranks: RANKS.map(() => 1), bound: true },
  ],
  cases: { lengths: RANKS.map((_, user) => 3 + user), popularities: RANKS.map((_, user) => user % 50) },
  data: {
    ...Object.fromEntries(['train', 'val', 'test'].map((part, more) => [part, linesOf(2800 + 100 * more, more)])),
    ties: { interactions: 600, testTargets: 40 },
    lengths: [
      { from: 2, to: 3, count: 20 },
      { from: 4, to: 7, count: 180 },
    ],
    popularity: [
      { items: 0.01, interactions: 0.1 },
      { items: 0.1, interactions: 0.5 },
      { items: 1, interactions: 1 },
    ],
  } as Analysis['data'] & object,
  calibration: {
    users: 200,
    cutoffs: [1, 2, 5],
    probability: [0.5, 0.4, 0.2],
    precision: [0.2, 0.1, 0],
    byRank: [0.5, 0.3, 0.1],
  },
  examples: [
    {
      ...{
        user: 3,
        history: [{ id: 4, title: HOSTILE }, { id: 5 }],
        length: 12,
        target: { id: 2, title: 'Ran (1985)' },
      },
      ...{ rank: 2, recommended: [{ id: 1 }, { id: 2, title: 'Ran (1985)' }], probabilities: [0.5, 0.25, 0.1] },
    },
  ],
  profile: {
    steps: 10,
    positions: 640,
    kernels: [
      { name: 'matmul', milliseconds: 3, launches: 30 },
      { name: 'adam', milliseconds: 1, launches: 2 },
    ],
  },
};

export interface FakeRun {
  options?: object;
  /** NDCG@10 of each epoch of ten steps. */
  ndcg?: readonly number[];
  session?: Partial<Session>;
  analysis?: Analysis;
}

/** Writes the folder of an invented run. */
export function fakeRun(folder: string, { options, ndcg = [0.1, 0.3, 0.2], session, analysis }: FakeRun = {}): string {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  const { num_items, ...config } = resolveConfig(100, [{ sequence_length: 8, embedding_dim: 4, ...options }]);
  write('config.json', JSON.stringify(config));
  write(
    'run.json',
    JSON.stringify({
      data: 'data',
      dataset: { name: 'films', users: 200, items: 100, interactions: 3000, meanLength: 15 },
    }),
  );
  const ended: Partial<Session> = {
    started: '2026-01-02T03:04:05Z',
    ended: '2026-01-02T04:04:05Z',
    stopped: 'max_epochs',
  };
  write(
    'environment.json',
    JSON.stringify([{ ...ended, version: '9.8.7', adapter: 'some-gpu', node: '20', host: 'here', pid: 1, ...session }]),
  );
  write('metrics.jsonl', ndcg.map((value, i) => validationLine(i + 1, value)).join(''));
  const steps = Array.from({ length: 5 * ndcg.length }, (_, i) => ({
    step: 2 * (i + 1),
    loss: 1 / (i + 1),
    positions_per_second: 1000 + i,
    seconds: i + 1,
  }));
  write('steps.jsonl', steps.map((step) => `${JSON.stringify(step)}\n`).join(''));
  if (analysis) write('analysis.json', JSON.stringify(analysis));
  return folder;
}

export function validationLine(epoch: number, ndcg: number): string {
  const metrics = { 'ndcg@10': ndcg, 'recall@1': ndcg / 2, 'recall@10': 2 * ndcg, mrr: ndcg };
  return `${JSON.stringify({ epoch, step: 10 * epoch, loss: 1 / epoch, ...metrics, lr: 1e-3, seconds: 5 * epoch, positions_per_second: 1000 })}\n`;
}
