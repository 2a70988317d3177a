import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { difference, largest } from '../src/kernels/differences.js';
import type { ScoreConfig } from '../src/kernels/score/similarity.js';
import { Model } from '../src/model/model.js';
import { writeOnnx } from '../src/store/convert/onnx.js';
import { readFixture } from '../src/store/fixture.js';
import { resolveConfig } from '../src/train/config.js';
import { gsas } from './support/command.js';
import { stream } from './support/device.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();
beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

/** The fixture's model as ONNX in onnxruntime, and ours. */
async function openBoth(name: string, scoring: ScoreConfig = {}) {
  const { config: model, parameters } = readFixture(`test/fixtures/${name}.safetensors`);
  const { num_items, ...options } = model;
  const config = resolveConfig(num_items, [options, scoring]);
  const file = at(`${[name, ...Object.values(scoring)].join('-')}.onnx`);
  writeOnnx(file, { config, step: 0, epoch: 0, metrics: {}, weights: parameters('param') });
  const session = await ort.InferenceSession.create(file);
  /** Scores [rows, N] of histories, padded on the left to `width`. */
  const scores = async (histories: number[][], width: number) => {
    const ids = histories.flatMap((items) => [...new Array(width - items.length).fill(num_items + 1), ...items]);
    const input = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [histories.length, width]);
    return (await session.run({ items: input })) as Record<'scores' | 'hidden', ort.Tensor>;
  };
  return { config, session, scores, model: new Model(stream, config, parameters('param')) };
}

/** Scores [rows, N] of our model. */
async function ourScores(model: Model, histories: number[][]): Promise<Float32Array> {
  const { num_items: N } = model.config;
  const scores = new Float32Array(histories.length * N);
  const found = await new NeuralRecommender(model).top(histories, { top: N, filterRated: false });
  found.forEach((items, row) => {
    for (const { item, score } of items) scores[row * N + item - 1] = score;
  });
  return scores;
}

describe('writeOnnx', () => {
  const names = ['h1', 'heads2', 'heads3_dim24', 'heads4_t1_negs31', 'reuse_t1', 'one_block_unpadded', 'default_init'];
  it.each([
    ...names.map((name) => [name, {}] as const),
    ['h1', { temperature: 0.5 }] as const,
    ['h1', { similarity: 'cosine', temperature: 0.1 }] as const,
    ['reuse_t1', { similarity: 'cosine' }] as const,
  ])('gives the scores of %s %o in onnxruntime, for rows of any length', async (name, scoring) => {
    const { config, scores, model } = await openBoth(name, scoring);
    const { num_items: N, sequence_length: S } = config;
    const random = new HostRandom(5, 0);
    const lengths = [1, 2, Math.floor(S / 2), S - 1, S];
    const histories = lengths.map((n) => Array.from({ length: n }, () => 1 + Math.floor(N * random.uniform())));
    const ours = await ourScores(model, histories);
    const theirs = (await scores(histories, S)).scores;
    expect(theirs.dims).toEqual([lengths.length, N]);
    expect(difference(theirs.data as Float32Array, ours) / largest(ours)).toBeLessThan(1e-5);
    model.release();
  });

  it('takes rows narrower and wider than the window, the last column being the latest item', async () => {
    const { config, scores, model } = await openBoth('heads2');
    const S = config.sequence_length;
    const narrow = [[7, 3], [5]];
    const ours = await ourScores(model, narrow);
    expect(difference((await scores(narrow, 2)).scores.data as Float32Array, ours) / largest(ours)).toBeLessThan(1e-5);
    const wide = [Array.from({ length: S + 5 }, (_, i) => 1 + i)];
    const latest = await ourScores(model, [wide[0].slice(-S)]);
    const theirs = (await scores(wide, S + 5)).scores.data as Float32Array;
    expect(difference(theirs, latest) / largest(latest)).toBeLessThan(1e-5);
    model.release();
  });

  it('gives the last norm alone where a row is all padding, as the official code does', async () => {
    const { config, scores, model } = await openBoth('heads2');
    const { hidden } = await scores([[], [1]], config.sequence_length);
    const bias = readFixture('test/fixtures/heads2.safetensors').parameters('param').get('seq_norm.bias')!.data;
    expect(difference((hidden.data as Float32Array).subarray(0, config.embedding_dim), bias)).toBeLessThan(1e-6);
    model.release();
  });

  it('names its input and outputs', async () => {
    const { session, model } = await openBoth('heads2');
    expect([session.inputNames, session.outputNames]).toEqual([['items'], ['scores', 'hidden']]);
    model.release();
  });

  it('is told by `convert` as what runs it finds it: each input and output by name, type and shape', async () => {
    const { status, stdout } = await gsas(at(), 'convert', join(process.cwd(), 'test/fixtures/torch/h1.pt'), 'h1.onnx');
    expect(status).toBe(0);
    const session = await ort.InferenceSession.create(at('h1.onnx'));
    const found = (kind: string, values: readonly ort.InferenceSession.ValueMetadata[]) =>
      values.map((value) => (value.isTensor ? [kind, value.name, value.type, `[${value.shape.join(', ')}]`] : []));
    const told = stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(/ {2,}/).slice(0, 4));
    expect(told.map((line) => line.join(' ').replace(' float ', ' float32 '))).toEqual(
      [...found('input', session.inputMetadata), ...found('output', session.outputMetadata)].map((line) =>
        line.join(' '),
      ),
    );
    expect(stdout).not.toContain('official');
  });

  it('refuses a model beyond 2 GiB before anything is written', () => {
    const { config: model, parameters } = readFixture('test/fixtures/heads2.safetensors');
    const { num_items, ...options } = model;
    const huge = Object.create(Float32Array.prototype, { byteLength: { value: 2 ** 31 } }) as Float32Array;
    const weights = new Map([...parameters('param'), ['item_embedding.weight', { shape: [2 ** 25, 16], data: huge }]]);
    const checkpoint = { config: resolveConfig(num_items, [options]), step: 0, epoch: 0, metrics: {}, weights };
    expect(() => writeOnnx(at('huge.onnx'), checkpoint)).toThrow(/huge\.onnx: .* at most 2 GiB/);
  });
});
