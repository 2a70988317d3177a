import { expect, it } from 'vitest';
import { bare } from '../bench/losses/bare.js';
import {
  batchOfCase,
  configOfCase,
  costOfCase,
  countsOf,
  LOSS_SHAPES,
  lossCases,
  QUICK,
} from '../bench/losses/case.js';
import { checkAgrees, sampleOf } from '../bench/losses/check.js';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { NEGATIVES } from '../src/kernels/score/negatives/index.js';
import { registerArchitecture } from '../src/model/registry.js';

registerArchitecture(bare);

const all = lossCases(QUICK, Object.keys(JUDGES), Object.keys(NEGATIVES));

it('takes every loss and all negatives, in pairs that training accepts', () => {
  expect(new Set(all.map(({ loss }) => loss))).toEqual(new Set(Object.keys(JUDGES)));
  expect(new Set(all.map(({ negatives }) => negatives))).toEqual(new Set(Object.keys(NEGATIVES)));
  for (const subject of all) expect(configOfCase(subject)).toMatchObject({ loss: subject.loss });
});

it('counts the cost of each', () => {
  for (const subject of all) {
    const { bytes, flops } = costOfCase(subject, batchOfCase(subject), 7);
    expect(bytes).toBeGreaterThan(0);
    expect(flops).toBeGreaterThan(0);
  }
});

it('has batches as large as those of the data sets', () => {
  const tokens = (shape: keyof typeof LOSS_SHAPES) =>
    batchOfCase({ shape: LOSS_SHAPES[shape], loss: 'ce', negatives: 'catalogue' }).tokens;
  expect(tokens('ml1m')).toBeGreaterThan(2800);
  expect(tokens('ml1m')).toBeLessThan(3800);
  expect(tokens('beauty')).toBeGreaterThan(700);
  const batch = batchOfCase(all[0]);
  expect(countsOf(batch, QUICK.N).reduce((a, b) => a + b, 0)).toBe(batch.tokens + QUICK.N);
});

it('refuses to time what computes something else', () => {
  const gradients = [sampleOf(Float32Array.of(1, -2, 3)), sampleOf(Float32Array.from({ length: 3000 }, (_, i) => i))];
  const ours = { loss: 2, gradients };
  checkAgrees('another', { loss: 2.0001, gradients }, ours);
  expect(() => checkAgrees('another', { loss: 2.01, gradients }, ours)).toThrow(
    /^another: its loss is 5\.0e-3 from ours/,
  );
  const wrong = { loss: 2, gradients: [gradients[0], { ...gradients[1], norm: 1 }] };
  expect(() => checkAgrees('another', wrong, ours)).toThrow(/its gradient of the output table is/);
  const moved = { ...gradients[0], elements: [1, -2, 3.1] };
  expect(() => checkAgrees('another', { loss: 2, gradients: [moved, gradients[1]] }, ours)).toThrow(/input table/);
});
