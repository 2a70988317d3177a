import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import type { Gpu } from '../src/engine/gpu.js';
import { Stream } from '../src/engine/stream.js';
import { tableOf } from '../src/engine/table.js';
import { Tape } from '../src/engine/tape.js';
import { integers, normals } from '../src/kernels/inputs.js';
import { drawCandidates } from '../src/kernels/score/draw/index.js';
import { gbce } from '../src/kernels/score/judges/gbce.js';
import { scoreOwn } from '../src/kernels/score/own/index.js';
import { type Candidates, drawnCandidates } from '../src/kernels/score/sampler.js';
import { givenCandidates } from '../src/kernels/score/samplers/given.js';
import { uniform } from '../src/kernels/score/samplers/uniform.js';
import { openTestGpu } from './support/gpu.js';

interface Row {
  score: number;
  beta: number;
  exact_loss: number;
  exact_loss_derivative: number;
}
const table: Row[] = JSON.parse(readFileSync(new URL('./fixtures/gbce_table.json', import.meta.url), 'utf8')).rows;

const VERDICT = { judge: gbce, settings: { beta: 0.4 } };

describe.each([{ subgroups: true }, { subgroups: false }])('gBCE, subgroups $subgroups', (options) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu(options);
  });
  afterAll(() => gpu.close());

  it('is exact in loss and derivative for scores from -80 to 80', async () => {
    const stream = new Stream(gpu);
    // h = (score, 1): the positive scores `score`, the one negative -200, whose softplus is 0 in f32
    const items = tableOf(stream.upload(Float32Array.of(0, 0, 1, 0, 0, -200, 0, 0), [4, 2]));
    const targets = stream.upload(Uint32Array.of(1), [1]);
    const negatives = stream.upload(Uint32Array.of(2), [1, 1]);
    for (const { score, beta, exact_loss, exact_loss_derivative } of table) {
      const tape = new Tape(stream);
      const h = stream.upload(Float32Array.of(score, 1), [1, 2], { requiresGrad: true });
      const verdict = { judge: gbce, settings: { beta } };
      const loss = scoreOwn(tape, h, items, targets, { verdict, candidates: givenCandidates(negatives) });
      const value = stream.download(loss);
      tape.backward({ of: loss });
      const derivative = await stream.read(tape.gradient(h));
      expect((2 * (await value)[0]) / exact_loss, `loss at ${score}`).toBeCloseTo(1, 5);
      expect((2 * derivative[0]) / exact_loss_derivative, `derivative at ${score}`).toBeCloseTo(1, 5);
    }
  });

  it('gives the same bits twice, and for negatives drawn inside or read', async () => {
    const [T, k, D, N] = [61, 37, 20, 53];
    const random = new HostRandom(5);
    const host = [normals(random, [T, D]), normals(random, [N + 2, D]), integers(random, [T], 1, N)] as const;
    const stream = new Stream(gpu);
    stream.random = { seed: 11, step: 13 };
    const [h, items] = host.slice(0, 2).map(({ data, shape }) => stream.upload(data, shape, { requiresGrad: true }));
    const targets = stream.upload(host[2].data, [T]);
    const run = async (candidates: Candidates) => {
      const tape = new Tape(stream);
      const loss = scoreOwn(tape, h!, tableOf(items!), targets, { verdict: VERDICT, candidates });
      const value = stream.download(loss);
      tape.backward({ of: loss });
      const gradients = [stream.download(tape.gradient(h!)), stream.download(tape.gradient(items!))];
      stream.submit();
      return Promise.all([value, ...gradients]);
    };
    const candidates = drawnCandidates(uniform, k, N);
    const drawn = await run(candidates);
    expect(await run(candidates)).toEqual(drawn);
    expect(await run(givenCandidates(drawCandidates(stream, candidates, T)))).toEqual(drawn);
  });

  it('has the same loss where no gradient is wanted', async () => {
    const random = new HostRandom(6);
    const stream = new Stream(gpu);
    const [h, items] = [normals(random, [7, 9]), normals(random, [13, 9])].map(({ data, shape }) =>
      stream.upload(data, shape, { requiresGrad: true }),
    );
    const targets = stream.upload(integers(random, [7], 1, 11).data, [7]);
    const loss = (tape: Tape) =>
      scoreOwn(tape, h!, tableOf(items!), targets, { verdict: VERDICT, candidates: drawnCandidates(uniform, 5, 11) });
    expect(await stream.read(loss(new Tape(stream, false)))).toEqual(await stream.read(loss(new Tape(stream))));
  });
});
