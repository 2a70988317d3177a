import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { tuneAtFirstUse } from '../src/cli/tune.js';
import type { Gpu } from '../src/engine/gpu.js';
import { Stream } from '../src/engine/stream.js';
import { Tuning, type TuningAnswer } from '../src/engine/tuning.js';
import { matmul } from '../src/kernels/matmul/index.js';
import { conclude, tune } from '../src/kernels/tune.js';
import { loadTuning, saveTuning, type TunedFor, tunedFor, tuningFile } from '../src/node/tuning-cache.js';
import { openTestGpu } from './support/gpu.js';

const ANSWER: TuningAnswer = { op: 'matmul', shape: 'K=8 N=8', size: 1000, choice: 'b', builtIn: 'a', ratio: 0.8 };
const CANDIDATES = { a: 1, b: 2, c: 3 };

describe('choices', () => {
  const ask = (tuning: Tuning, size = 1000, shape = 'K=8 N=8') =>
    tuning.choose({ op: 'matmul', shape, size, trial: { size } }, CANDIDATES);

  it('are what is built in until they are answered, and a question without an answer is remembered', () => {
    const tuning = new Tuning();
    expect(ask(tuning)).toBe(1);
    expect(ask(tuning, 1100)).toBe(1);
    expect(tuning.open).toEqual([
      { op: 'matmul', shape: 'K=8 N=8', size: 1100, trial: { size: 1100 }, candidates: ['a', 'b', 'c'] },
    ]);
    tuning.add(ANSWER);
    expect(ask(tuning)).toBe(2);
    expect(tuning.open).toEqual([]);
  });

  it('hold for sizes up to four times off, for no other shape, and the nearest counts', () => {
    const tuning = new Tuning();
    tuning.add(ANSWER);
    expect([250, 4000].map((size) => ask(tuning, size))).toEqual([2, 2]);
    expect([249, 4001].map((size) => ask(tuning, size))).toEqual([1, 1]);
    expect(ask(tuning, 1000, 'K=8 N=9')).toBe(1);
    tuning.add({ ...ANSWER, size: 8000, choice: 'c' });
    expect([2000, 4000].map((size) => ask(tuning, size))).toEqual([2, 3]);
    tuning.add({ ...ANSWER, size: 900, choice: 'c' });
    expect(tuning.answers).toHaveLength(2);
  });

  it('that are no longer offered fall back to what is built in', () => {
    const tuning = new Tuning();
    tuning.add({ ...ANSWER, choice: 'gone' });
    expect(ask(tuning)).toBe(1);
  });
});

describe('a measurement', () => {
  const question = { op: 'matmul', shape: 's', size: 1, trial: {}, candidates: ['a', 'b', 'c'] };
  const decide = (a: number[], b: number[]) =>
    conclude(
      question,
      new Map([
        ['a', a],
        ['b', b],
      ]),
    ).answer;

  it('replaces what is built in by what is clearly faster', () => {
    expect(decide([10, 10, 11, 10, 10], [8, 8, 8, 9, 8])).toMatchObject({ choice: 'b', builtIn: 'a', ratio: 0.8 });
  });

  it('and by nothing that is faster by less than a twentieth, or within the spread', () => {
    expect(decide([10, 10, 10, 10, 10], [9.6, 9.6, 9.6, 9.6, 9.6])).toMatchObject({ choice: 'a', ratio: 1 });
    expect(decide([7, 7, 10, 12, 12], [7, 8, 9, 9, 12])).toMatchObject({ choice: 'a', ratio: 1 });
  });
});

describe("an adapter's file", () => {
  const key: TunedFor = { adapter: 'NVIDIA H100 / x', driver: '1.2', version: '0.1.0' };
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gsas-'));
    file = tuningFile(key, folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const silent = () => expect.fail('nothing to warn of');

  it('keeps the answers', () => {
    expect(loadTuning(key, file, silent)).toEqual([]);
    saveTuning(key, [ANSWER], file);
    expect(file).toBe(join(folder, 'tuning', 'NVIDIA-H100-x.json'));
    expect(loadTuning(key, file, silent)).toEqual([ANSWER]);
  });

  it.each(['driver', 'version', 'adapter'] as const)('of another %s is left aside, and replaced', (part) => {
    saveTuning({ ...key, [part]: 'another' }, [ANSWER], file);
    expect(loadTuning(key, file, silent)).toEqual([]);
    saveTuning(key, [], file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...key, answers: [] });
  });

  it.each([
    '',
    'null',
    '{"adapter": 3}',
    '{"answers": []}',
    JSON.stringify({ ...key, answers: [{ ...ANSWER, size: 'many' }] }),
    JSON.stringify({ ...key, answers: [ANSWER] }).slice(0, -9),
  ])('that is damaged is told of, not read, and replaced: %s', (text) => {
    saveTuning(key, [ANSWER], file);
    writeFileSync(file, text);
    const warnings: string[] = [];
    expect(loadTuning(key, file, (line) => warnings.push(line))).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(`${file} is damaged`)]);
    saveTuning(key, [ANSWER], file);
    expect(loadTuning(key, file, silent)).toEqual([ANSWER]);
  });
});

describe.each([{ subgroups: true }, { subgroups: false }])('tuning, subgroups $subgroups', (options) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu(options);
  });
  afterAll(() => gpu.close());
  beforeEach(() => gpu.tuning.clear());

  /** Records two products, as a layer and the gradient of its weight take them. */
  function record(stream: Stream): void {
    const [T, K, N] = [601, 260, 130]; // so many tokens that the gradient is summed in splits
    const [x, w, y, dw] = [stream.empty([T, K]), stream.empty([K, N]), stream.empty([T, N]), stream.empty([K, N])];
    matmul(stream, { a: x, b: w, out: y });
    matmul(stream, { a: x, transposeA: true, b: y, out: dw });
  }

  it('gives every candidate the bits of the built-in one, and its answers are taken', async () => {
    const stream = new Stream(gpu);
    stream.rehearse(() => record(stream));
    expect(gpu.tuning.open.map(({ shape }) => shape.split(' subgroup')[0])).toEqual(['K=260 N=130', 'A^T M=260 N=130']);
    const findings = await tune(gpu);
    for (const { question, times } of findings) expect([...times.keys()]).toEqual(question.candidates);
    expect(findings.map(({ question }) => question.candidates.length).every((count) => count >= 4)).toBe(true);
    expect(gpu.tuning.answers).toEqual(findings.map(({ answer }) => answer));
    stream.rehearse(() => record(stream));
    expect(gpu.tuning.open).toEqual([]);
    expect(gpu.profiler).toBeUndefined();
  });

  it("at a run's start is told in a line and kept, so that the next run has nothing to measure", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gsas-'));
    vi.stubEnv('XDG_CACHE_HOME', folder);
    const lines: string[] = [];
    const start = async (wish: string) => {
      vi.stubEnv('GSAS_TUNE', wish);
      const stream = new Stream(gpu);
      stream.rehearse(() => record(stream));
      await tuneAtFirstUse(gpu, (line) => lines.push(line));
    };
    await start('0');
    expect(lines).toEqual([]);
    await start('1');
    expect(lines).toEqual([expect.stringMatching(/^tuned [12] kernels? for this adapter in \d+\.\d s, once: /)]);
    const kept = loadTuning(tunedFor(gpu.adapter.info));
    expect(kept).toEqual(gpu.tuning.answers);
    expect(kept.length).toBeGreaterThan(0);
    while (gpu.tuning.open.length > 0) await start('1'); // a slow adapter tunes one question at a time
    const told = lines.length;
    await start('1');
    expect(lines).toHaveLength(told);
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  it('stops when its time is up: one question is answered, of two candidates', async () => {
    const stream = new Stream(gpu);
    stream.rehearse(() => record(stream));
    const [finding, ...others] = await tune(gpu, { seconds: 0 });
    expect(finding!.times.size).toBe(2);
    expect(others).toEqual([]);
    expect(gpu.tuning.open).toHaveLength(1);
  });
});
