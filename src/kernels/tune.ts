import { HostRandom } from '../base/philox.js';
import type { Gpu } from '../engine/gpu.js';
import { Profiler } from '../engine/profiler.js';
import { Stream } from '../engine/stream.js';
import type { HostArray, Tensor } from '../engine/tensor.js';
import type { TuningAnswer, TuningQuestion } from '../engine/tuning.js';
import { download, OpRun } from './harness.js';
import type { Op } from './op.js';
import { registry } from './registry.js';

/** What was measured for one question. */
export interface Finding {
  question: TuningQuestion;
  /** Median milliseconds of a launch by candidate, the built-in one first. Candidates whose results have other bits are left out. */
  times: ReadonlyMap<string, number>;
  /** What replaces the built-in choice, or that choice itself. */
  answer: TuningAnswer;
}

/** How long `tune` may take. */
export interface TuneOptions {
  /** No question and no candidate is started that would end later if it took as long as the one before. One question is always answered. */
  seconds?: number;
}

const ROUNDS = 7;
const SAMPLE_MS = 4; // of work a sample; shorter launches are repeated
const MARGIN = 0.95; // of the built-in choice's time: what takes less replaces it

/** Measures what operations have asked and nobody has answered, the longest work first; from then on the device's kernels take the best. */
export async function tune(gpu: Gpu, { seconds = Infinity }: TuneOptions = {}): Promise<Finding[]> {
  const began = performance.now();
  const timeFor = (ms: number) => performance.now() - began + ms <= 1000 * seconds;
  const flops = ({ op, trial }: TuningQuestion) => opOf(op).cost.forward(trial).flops;
  const questions = [...gpu.tuning.open].sort((a, b) => flops(b) - flops(a));
  const findings: Finding[] = [];
  const profiler = gpu.profiler;
  gpu.profiler = gpu.capabilities.timestamps ? new Profiler(gpu.device) : undefined;
  try {
    let took = 0;
    for (const question of questions) {
      if (findings.length > 0 && !timeFor(took)) break;
      const since = performance.now();
      const finding = await answer(gpu, question, timeFor);
      took = performance.now() - since;
      gpu.tuning.add(finding.answer);
      findings.push(finding);
    }
  } finally {
    gpu.profiler = profiler;
  }
  return findings;
}

async function answer(gpu: Gpu, question: TuningQuestion, timeFor: (ms: number) => boolean): Promise<Finding> {
  const trial = new Trial(gpu, opOf(question.op), question.trial);
  try {
    const builtIn = question.candidates[0];
    const expected = await trial.results(builtIn);
    const names = [builtIn];
    let took = 0;
    for (const candidate of question.candidates.slice(1)) {
      if (names.length > 1 && !timeFor(took)) break;
      const since = performance.now();
      if (sameBits(await trial.results(candidate), expected)) names.push(candidate);
      took = performance.now() - since; // most of it the compiler's
    }
    const finding = conclude(question, await measure(trial, names));
    const { choice } = finding.answer;
    if (choice === builtIn) return finding;
    // The fastest of several may have been lucky, so it has to win once more against the built-in choice alone.
    return { ...finding, answer: conclude(question, await measure(trial, [builtIn, choice])).answer };
  } finally {
    trial.release();
  }
}

/** Alternating samples of each candidate, in milliseconds per launch. */
async function measure(trial: Trial, names: readonly string[]): Promise<Map<string, number[]>> {
  const repeats = Math.max(1, Math.ceil(SAMPLE_MS / (await trial.time(names[0], 1))));
  const samples = new Map(names.map((name): [string, number[]] => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, times] of samples) times.push(await trial.time(name, repeats));
  }
  return samples;
}

/** The fastest, where it is faster by a margin and its slow samples are no slower than the built-in choice's fast ones. */
export function conclude(question: TuningQuestion, samples: ReadonlyMap<string, readonly number[]>): Finding {
  const at = (times: readonly number[], share: number) =>
    [...times].sort((a, b) => a - b)[Math.round(share * (times.length - 1))];
  const builtIn = question.candidates[0];
  const times = new Map([...samples].map(([candidate, all]) => [candidate, at(all, 0.5)]));
  const best = [...times.keys()].reduce((a, b) => (times.get(b)! < times.get(a)! ? b : a));
  const clear =
    times.get(best)! < MARGIN * times.get(builtIn)! && at(samples.get(best)!, 0.75) < at(samples.get(builtIn)!, 0.25);
  const choice = clear ? best : builtIn;
  const { op, shape, size } = question;
  const ratio = times.get(choice)! / times.get(builtIn)!;
  return { question, times, answer: { op, shape, size, choice, builtIn, ratio } };
}

/** An operation with inputs on the GPU, to be run with any of its candidates. */
class Trial {
  readonly #run: OpRun;

  constructor(
    private readonly gpu: Gpu,
    op: Op,
    shape: unknown,
  ) {
    this.#run = new OpRun(new Stream(gpu), op, shape, new HostRandom(1));
  }

  async results(choice: string): Promise<HostArray[]> {
    const { stream } = this.#run;
    const outputs = stream.scope(() => download(stream, this.#record(choice)));
    stream.submit();
    return Object.values(await outputs);
  }

  /** Milliseconds of a forward, the mean of `repeats`: of the GPU where it has timestamps, else of the host. */
  async time(choice: string, repeats: number): Promise<number> {
    const { profiler } = this.gpu;
    const { stream } = this.#run;
    await profiler?.take();
    const since = performance.now();
    for (let i = 0; i < repeats; i++) stream.scope(() => void this.#record(choice));
    await stream.finish();
    const host = performance.now() - since;
    const gpu = (await profiler?.take())?.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    return (gpu ?? host) / repeats;
  }

  release(): void {
    this.#run.release();
  }

  #record(choice: string): Record<string, Tensor> {
    return this.gpu.tuning.trial(this.#run.op.name, choice, () => this.#run.forward(false).outputs);
  }
}

function opOf(name: string): Op {
  return registry.find((op) => op.name === name)!;
}

function sameBits(a: readonly HostArray[], b: readonly HostArray[]): boolean {
  const bits = ({ buffer, byteOffset, length }: HostArray) => new Uint32Array(buffer, byteOffset, length);
  return a.every((array, i) => {
    const other = bits(b[i]);
    return bits(array).every((word, j) => word === other[j]);
  });
}
