import { expect, it } from 'vitest';
import { Stream } from '../src/engine/stream.js';
import { tableOf } from '../src/engine/table.js';
import { Tape } from '../src/engine/tape.js';
import { verdictOf } from '../src/kernels/score/judges/cases.js';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { scoreOwn } from '../src/kernels/score/own/index.js';
import { givenCandidates } from '../src/kernels/score/samplers/given.js';
import { gpu } from './support/device.js';

const EDGES = [-80, -79, -20, -1, 0, 0.5, 20, 79, 80];
const CANDIDATES = [
  [80, -80, 79],
  [-80, -80, -79],
  [80, 80, 80],
  [0, 0.25, -1],
  [-20, 60, 59],
];
/** Scores of a positive, then its candidates. */
const ROWS = EDGES.flatMap((positive) => CANDIDATES.map((candidates) => [positive, ...candidates]));
const STEP = 1e-4;

it.each(Object.values(JUDGES))(
  '$name is finite and right for scores from -80 to 80, and so is its gradient',
  async (judge) => {
    const k = 3;
    const verdict = verdictOf(judge, { k, N: 4 * ROWS.length });
    const reference = ([positive, ...candidates]: number[]) =>
      judge.reference(positive, candidates, verdict.settings, 0) / ROWS.length;
    const stream = new Stream(gpu);
    // A row of the table is a score, because every hidden state is 1.
    const T = ROWS.length;
    const h = stream.upload(new Float32Array(T).fill(1), [T, 1], { requiresGrad: true });
    const table = stream.upload(Float32Array.from(ROWS.flat()), [4 * T, 1], { requiresGrad: true });
    const targets = stream.upload(
      Uint32Array.from({ length: T }, (_, t) => 4 * t),
      [T],
    );
    const ids = stream.upload(
      Uint32Array.from({ length: T * k }, (_, i) => 4 * Math.floor(i / k) + 1 + (i % k)),
      [T, k],
    );
    const tape = new Tape(stream);
    const loss = scoreOwn(tape, h, tableOf(table), targets, { verdict, candidates: givenCandidates(ids) });
    const value = stream.download(loss);
    tape.backward({ of: loss });
    const slopes = await stream.read(tape.gradient(table));

    const expected = ROWS.reduce((sum, row) => sum + reference(row), 0);
    expect(Math.abs((await value)[0] / expected - 1)).toBeLessThan(1e-5);
    ROWS.forEach((row, t) => {
      row.forEach((_, slot) => {
        const at = (step: number) => reference(row.map((s, i) => (i === slot ? s + step : s)));
        const slope = (at(STEP) - at(-STEP)) / (2 * STEP);
        const scale = Math.max(1, Math.abs(slope * T));
        expect(Math.abs(slopes[4 * t + slot] - slope) * T, `scores ${row}, slot ${slot}`).toBeLessThan(2e-5 * scale);
      });
    });
  },
);
