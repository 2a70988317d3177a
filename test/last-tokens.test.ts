import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GsasError } from '../src/base/errors.js';
import { historyBatch } from '../src/data/batches.js';
import type { Gpu } from '../src/engine/gpu.js';
import { Stream } from '../src/engine/stream.js';
import { tableOf } from '../src/engine/table.js';
import { Tape } from '../src/engine/tape.js';
import { attentionOver } from '../src/infer/explain.js';
import { lastHidden } from '../src/infer/query.js';
import { gather } from '../src/kernels/gather/index.js';
import { Model } from '../src/model/model.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { openTestGpu } from './support/gpu.js';

const HISTORIES = [[3], [1, 2, 3, 4, 5, 6, 7, 8, 9], [5, 5], [9, 1, 30, 2, 8, 7, 6, 5, 4, 3, 2, 1, 17]];

describe.each([true, false])('the last tokens alone, subgroups %s', (subgroups) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ subgroups });
  });
  afterAll(() => gpu.close());

  const modelOf = (options: object) => {
    const config = resolveConfig(30, [{ sequence_length: 13, num_blocks: 2, ...options }]);
    return new Model(new Stream(gpu), config, initialParameters(config, { seed: 4 }));
  };

  it.each([
    { embedding_dim: 24, num_heads: 2 },
    { embedding_dim: 15, num_heads: 3, num_blocks: 1 },
  ])('have the hidden states that they have among all, bit for bit: %o', async (options) => {
    const model = modelOf(options);
    const { stream } = model;
    const batch = historyBatch(HISTORIES.map((history) => Uint32Array.from(history)));
    const all = stream.scope(() => {
      const tape = new Tape(stream, false);
      const ids = stream.upload(batch.ids, [batch.tokens]);
      const hidden = model.encode(tape, { ids, spans: stream.upload(batch.spans, [batch.tokens, 2]) });
      return stream.download(gather(tape, tableOf(hidden), stream.upload(batch.lastTokens, [batch.rows])));
    });
    const last = stream.scope(() => stream.download(lastHidden(model, batch)));
    stream.submit();
    expect(await last).toEqual(await all);
  });

  it('show what they attend to: weights that sum to 1, of the items in the window', async () => {
    const model = modelOf({ embedding_dim: 24, num_heads: 2, sequence_length: 5 });
    const weights = await attentionOver(model, HISTORIES);
    expect(weights.map(({ length }) => length)).toEqual([1, 5, 2, 5]);
    for (const row of weights) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    const alone = await attentionOver(model, [HISTORIES[3]]);
    expect(alone[0]).toEqual(weights[3]);
  });

  it('are refused where gradients are wanted', () => {
    const model = modelOf({ embedding_dim: 8, num_heads: 1 });
    const { stream } = model;
    const ids = stream.upload(Uint32Array.of(1, 2), [2]);
    const spans = stream.upload(Uint32Array.of(0, 2, 0, 2), [2, 2]);
    const last = { tokens: stream.upload(Uint32Array.of(1), [1]), spans: stream.upload(Uint32Array.of(0, 2), [1, 2]) };
    expect(() => model.encode(new Tape(stream), { ids, spans }, { last })).toThrow(GsasError);
  });
});
