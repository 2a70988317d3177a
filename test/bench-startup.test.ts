import { expect, it } from 'vitest';
import { partsOf, startupRow } from '../bench/startup/measure.js';

const start = (factor: number) =>
  partsOf([
    ['node', 10 * factor],
    ['pipelines', 30 * factor],
    ['first step', 100 * factor],
    ['second step', 110 * factor],
  ]);

it('takes the moments at which parts of a start were done for lengths', () => {
  expect([...start(1)]).toEqual([
    ['node', 10],
    ['pipelines', 20],
    ['first step', 70],
    ['second step', 10],
  ]);
});

it('counts a start up to the first step, medians of each part beside it', () => {
  const row = startupRow('cold', 'ml1m', [start(1), start(3), start(2)]);
  expect(row).toMatchObject({ bench: 'startup', pass: 'cold', shape: 'ml1m', median_ms: 200, rounds: 3, wide: true });
  expect(row.parts).toEqual({ node: 20, pipelines: 40, 'first step': 140, 'second step': 20 });
});
