import { expect, it } from 'vitest';
import { Sequences, type Split } from '../src/data/dataset.js';
import { concentration, doublingBins, profileDataset } from '../src/data/profile.js';

const nobody: Split = { inputs: Sequences.from([]), targets: new Uint32Array(0) };

it('counts lengths in bins whose ends double, from the first to the last that has any', () => {
  expect(doublingBins([4, 7, 8, 2, 0, 17])).toEqual([
    { from: 2, to: 3, count: 1 },
    { from: 4, to: 7, count: 2 },
    { from: 8, to: 15, count: 1 },
    { from: 16, to: 31, count: 1 },
  ]);
  expect(doublingBins([])).toEqual([]);
});

it('gives the share of interactions that the most popular items have', () => {
  expect(concentration(Float64Array.of(1, 6, 0, 3))).toEqual([
    { items: 0.25, interactions: 0.6 },
    { items: 0.5, interactions: 0.9 },
    { items: 0.75, interactions: 1 },
    { items: 1, interactions: 1 },
  ]);
  expect(concentration(new Float64Array(1))).toEqual([{ items: 1, interactions: 0 }]);
  const many = concentration(new Float64Array(100_000).fill(2));
  expect(many.length).toBeLessThan(50);
  for (const { items, interactions } of many) expect(interactions).toBeCloseTo(items, 12);
});

it('profiles a dataset, whether or not somebody is held out', () => {
  const train = Sequences.from([
    [1, 2, 1],
    [2, 2],
  ]);
  const profile = profileDataset({ name: 'tiny', numItems: 3, train, val: nobody, test: nobody }, null);
  expect(profile.train).toMatchObject({ lines: 2, interactions: 5, repeats: 2 / 5, seenTargets: null });
  expect(profile.test).toMatchObject({ lines: 0, interactions: 0 });
  expect(profile.lengths).toEqual([{ from: 2, to: 3, count: 2 }]);
  expect(profile.popularity.at(0)).toEqual({ items: 1 / 3, interactions: 3 / 5 });
  expect(profile).not.toHaveProperty('ties');
});
