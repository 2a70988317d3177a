import { expect, it } from 'vitest';
import { passTimes } from '../src/engine/profiler.js';

const times = (...stamps: number[]) => passTimes(BigUint64Array.from(stamps, (ms) => BigInt(ms * 1e6)));

it('counts each pass from its beginning to its end', () => {
  expect(times(5, 7, 8, 11)).toEqual([2, 3]);
});

it('counts no moment twice where the stamp of a beginning lies before the end of the pass before', () => {
  expect(times(5, 9, 6, 12, 6, 20)).toEqual([4, 3, 8]); // 15 ms in all, from 5 to 20
});

it('counts nothing for a pass that ended within the one before it', () => {
  expect(times(5, 9, 6, 8, 8, 10)).toEqual([4, 0, 1]);
});

it('has nothing to count without passes', () => {
  expect(times()).toEqual([]);
});
