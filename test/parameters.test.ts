import { describe, expect, it } from 'vitest';
import { gbce, gbceBeta } from '../src/kernels/score/judges/gbce.js';
import { parameterShapes } from '../src/model/config.js';
import type { GsasrecConfig } from '../src/model/gsasrec.js';
import { initialParameters } from '../src/model/parameters.js';

const config: GsasrecConfig = {
  model: 'gsasrec',
  num_items: 500,
  sequence_length: 20,
  embedding_dim: 32,
  num_heads: 1,
  num_blocks: 1,
  dropout_rate: 0,
  reuse_item_embeddings: false,
};

function moments(data: Float32Array): { mean: number; std: number } {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  return { mean, std: Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length) };
}

describe('initialParameters', () => {
  it('starts as PyTorch does', () => {
    const parameters = initialParameters(config, { seed: 3 });
    expect([...parameters].map(([name, { shape }]) => [name, shape])).toEqual([...parameterShapes(config)]);
    const items = moments(parameters.get('item_embedding.weight')!.data);
    expect(Math.abs(items.mean)).toBeLessThan(0.03);
    expect(Math.abs(items.std - 1)).toBeLessThan(0.03);
    const dense = parameters.get('transformer_blocks.0.dense1.weight')!.data;
    const bound = 1 / Math.sqrt(32);
    expect(Math.max(...dense)).toBeLessThan(bound);
    expect(Math.abs(moments(dense).std - bound / Math.sqrt(3))).toBeLessThan(0.01);
    expect(new Set(parameters.get('seq_norm.weight')!.data)).toEqual(new Set([1]));
    expect(new Set(parameters.get('seq_norm.bias')!.data)).toEqual(new Set([0]));
  });

  it('gives the same numbers for a seed and others for another', () => {
    expect(initialParameters(config, { seed: 3 })).toEqual(initialParameters(config, { seed: 3 }));
    expect(initialParameters(config, { seed: 4 })).not.toEqual(initialParameters(config, { seed: 3 }));
  });

  it('starts every score at the prior, whatever the hidden state before the last norm', () => {
    const score = gbce.prior({ beta: gbceBeta(32, config.num_items, 0.75) }, 32);
    const parameters = initialParameters(config, { seed: 3, std: 0.02, score });
    const table = parameters.get('output_embedding.weight')!.data;
    const bias = parameters.get('seq_norm.bias')!.data;
    const hidden = Float32Array.from({ length: 32 }, (_, d) => (d % 2 ? 1 : -1) + bias[d]); // centred, unit variance
    for (let item = 1; item <= config.num_items; item++) {
      const dot = hidden.reduce((sum, h, d) => sum + h * table[item * 32 + d], 0);
      expect(Math.abs(dot - score)).toBeLessThan(0.7);
    }
  });
});

describe("gBCE's prior", () => {
  it('is where the gradients of one positive and k negatives cancel', () => {
    const beta = 0.3;
    const score = gbce.prior({ beta }, 32);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    expect(Math.abs(beta * sigmoid(-score) - 32 * sigmoid(score))).toBeLessThan(0.02);
    expect(gbce.prior({ beta: 1 }, 1)).toBe(0); // plain BCE with one negative: nothing to shift
  });
});
