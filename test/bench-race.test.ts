import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RankingCheck } from '../bench/eval/reference.js';
import { Implementation } from '../bench/step/implementations.js';
import { profileOf } from '../bench/step/profile.js';
import type { Ranking } from '../bench/step/protocol.js';
import { type Failure, race, type Turns } from '../bench/step/race.js';
import { failureOf, isTimed, reportText, rowOf } from '../bench/step/report.js';
import { SHAPES } from '../bench/step/shapes.js';
import { modelOf, weightsOf, writeWeights } from '../bench/step/weights.js';
import { GsasError } from '../src/base/errors.js';

/** A process that speaks the protocol: it answers with `reply` and may end at a given question. */
function fake(name: string, reply: object, endsAt = Infinity): Promise<Implementation> {
  const program = `
    let asked = 0;
    const say = (line) => console.log(JSON.stringify(line));
    say({ ready: true, idle_rss_mib: 10, made: ${JSON.stringify(name)} });
    require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
      if (line === 'quit') process.exit(0);
      if (++asked === ${endsAt}) { console.error('a warning\\na binding is too large'); process.exit(1); }
      say({ ms: 1, rss_mib: 20, loss: asked, question: line, ...${JSON.stringify(reply)} });
    });`;
  return Implementation.run(name, [process.execPath, '-e', program]);
}

const OPTIONS = { question: 'step', warmup: 1, rounds: 2 } as const;

describe('a race', () => {
  it('asks each in turn, forgets the warm-up and says why one could not go on', async () => {
    const start = (name: string) => {
      if (name === 'pytorch') throw new GsasError('pytorch: no module named torch');
      return fake(name, {}, name === 'tfjs-cpu' ? 2 : Infinity);
    };
    const [ours, torch, tfjs] = await race(['gsas', 'pytorch', 'tfjs-cpu'], async (name) => start(name), OPTIONS);
    expect(ours).toMatchObject({ name: 'gsas', about: { made: 'gsas' }, last: { loss: 3, question: 'step' } });
    expect((ours as Turns).times.length).toBe(2);
    expect(torch).toEqual({ name: 'pytorch', reason: 'pytorch: no module named torch' });
    expect(tfjs).toEqual({ name: 'tfjs-cpu', reason: 'tfjs-cpu: a binding is too large' });
  });

  it('times nobody whose results are wrong', async () => {
    const check = async (implementation: Implementation) => {
      const { loss } = await implementation.ask('ranks');
      if (loss === 1) throw new GsasError('gsas: wrong');
    };
    const [entry] = await race(['gsas'], (name) => fake(name, {}), { ...OPTIONS, check });
    expect(entry).toEqual({ name: 'gsas', reason: 'gsas: wrong' });
  });

  it('takes a loss of zero for what it is: a buffer that could not be had', async () => {
    const [entry] = await race(['tfjs-webgpu'], (name) => fake(name, { loss: 0 }), OPTIONS);
    expect(entry).toEqual({ name: 'tfjs-webgpu', reason: 'its loss is 0' });
  });

  it('reports a time, or in one line why there is none', () => {
    const turns: Turns = {
      name: 'gsas',
      about: { ready: true, idle_rss_mib: 10 },
      times: [2, 1, 3],
      last: { ms: 1, rss_mib: 20, loss: 0.5 },
    };
    const profile = profileOf([
      [{ name: 'matmul', phase: 'forward', launches: 2, milliseconds: 1 }],
      [{ name: 'matmul', phase: 'forward', launches: 2, milliseconds: 3 }],
    ]);
    const row = rowOf(turns, turns, { bench: 'step', shape: 'ml1m', positions: 7, profile });
    expect(row).toMatchObject({ median_ms: 2, gpu_ms: 2, phases: { forward: 2 }, positions: 7, rss_mib: 20, ratio: 1 });
    const failure: Failure = { name: 'tfjs-cpu', reason: 'tfjs-cpu: a binding is too large' };
    expect([turns, failure].map(isTimed)).toEqual([true, false]);
    const failed = failureOf(failure, 'step', 'ml1m');
    expect(failed).toEqual({
      bench: 'step',
      impl: 'tfjs-cpu',
      shape: 'ml1m',
      status: 'cannot run: a binding is too large',
    });
    expect(reportText([row], [failed], profile).split('\n')).toContain('tfjs-cpu cannot run: a binding is too large');
  });
});

it('a profile sums kernels by phase and takes medians over turns', () => {
  const turn = (factor: number) => [
    { name: 'matmul', phase: 'forward', launches: 3, milliseconds: 2 * factor },
    { name: 'matmul', phase: 'backward', launches: 6, milliseconds: 4 * factor },
    { name: 'adam', phase: 'backward', launches: 1, milliseconds: factor },
  ];
  const profile = profileOf([turn(1), turn(100), turn(2)]);
  expect(profile.milliseconds).toBe(14);
  expect(profile.phases).toEqual([
    { phase: 'backward', milliseconds: 10 },
    { phase: 'forward', milliseconds: 4 },
  ]);
  expect(profile.kernels[0]).toEqual({ name: 'matmul', phase: 'backward', launches: 6, milliseconds: 8 });
});

describe('the check of an evaluation', () => {
  const shape = { ...SHAPES.ml1m, items: 40, sequence_length: 5, embedding_dim: 4 };
  const config = modelOf(shape);
  const folder = mkdtempSync(join(tmpdir(), 'gsas-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const weights = weightsOf(shape, '');
  // All hidden states are (1, 1, 1, 1) and item i's embedding (-i, -i, -i, -i): items in the order of their ids.
  for (const name of ['seq_norm.weight', 'seq_norm.bias']) weights.get(name)!.data.fill(name.endsWith('bias') ? 1 : 0);
  weights.get('output_embedding.weight')!.data.forEach((_, i, table) => {
    table[i] = -Math.floor(i / 4);
  });
  const rows = [
    [1, 2, 15],
    [3, 9, 3],
  ];
  const right: Ranking = {
    ranks: [13, 0],
    top: [
      [3, 4, 5],
      [1, 2, 4],
    ],
  };

  it('accepts what float64 finds, with seen items out or in', () => {
    const filtered = new RankingCheck(config, weights, rows, true);
    expect(() => filtered.check('gsas', right)).not.toThrow();
    const whole = new RankingCheck(config, weights, rows, false);
    const best = [1, 2, 3];
    expect(() => whole.check('gsas', { ranks: [15, 3], top: [best, best] })).not.toThrow();
    expect(() => whole.check('gsas', right)).toThrow("gsas: user 1's target has rank 13, in float64 15 to 15");
  });

  it('names what is wrong', () => {
    const check = new RankingCheck(config, weights, rows, true);
    const broken = (change: Partial<Ranking>) => () => check.check('gsas', { ...right, ...change });
    expect(broken({ ranks: [13, 1] })).toThrow("gsas: user 2's target has rank 1, in float64 0 to 0");
    expect(broken({ top: [right.top[0], [1, 2, 5]] })).toThrow('item 5 is not among the best 3 of user 2');
    expect(broken({ top: [[3, 4, 4], right.top[1]] })).toThrow('item 4 is not among the best 3 of user 1');
  });

  it('gives every implementation the same weights by file', () => {
    const file = join(folder, 'weights.safetensors');
    writeWeights(file, weights);
    const read = weightsOf(shape, file);
    expect([...read.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [name, { data }] of weights) expect(read.get(name)!.data).toEqual(data);
  });
});
