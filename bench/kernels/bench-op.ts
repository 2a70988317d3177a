import { GsasError, InputError } from '../../src/base/errors.js';
import { HostRandom } from '../../src/base/philox.js';
import { Stream } from '../../src/engine/stream.js';
import type { Tensor } from '../../src/engine/tensor.js';
import { compare, isOff, OpRun } from '../../src/kernels/harness.js';
import type { Cost, Op } from '../../src/kernels/op.js';
import { registry } from '../../src/kernels/registry.js';
import { type Effort, repeat } from '../common/clock.js';
import { peakRssMib } from '../common/memory.js';
import type { Measurement } from '../common/results.js';
import { isWide, summarise } from '../common/statistics.js';
import type { GpuClock, Times } from './gpu-clock.js';
import { type Roofline, rooflinePercent } from './roofline.js';

/** One operation at one shape, in one direction: a line of `bench kernels`. */
export interface KernelRow extends Measurement {
  bench: 'kernels';
  impl: 'gsas';
  op: string;
  pass: 'forward' | 'backward';
  /** Peak memory of the operation, inputs and scratch included, and of the whole process, which has run other operations before. */
  device_mib: number;
  rss_mib: number;
  runs: number;
  gb_per_s: number;
  gflop_per_s: number;
  roofline_percent: number;
  bound: 'memory' | 'arithmetic';
  wide: boolean;
}

/** The registry's operations of that name, or all. @throws InputError naming the known ones */
export function opsCalled(name: string | undefined): readonly Op[] {
  const ops = name === undefined ? registry : registry.filter((op) => op.name === name);
  if (ops.length === 0) {
    throw new InputError(`--op: there is no operation ${name}; known are ${registry.map((op) => op.name).join(', ')}`);
  }
  return ops;
}

/**
 * Checks one operation at one of its bench shapes and times it, forward and backward apart.
 * @throws GsasError if a result is wrong
 */
export async function benchOp(
  clock: GpuClock,
  op: Op,
  shape: unknown,
  roofline: Roofline,
  effort: Effort,
): Promise<KernelRow[]> {
  const stream = new Stream(clock.gpu);
  const run = new OpRun(stream, op, shape, new HostRandom(1));
  const wrong = (await compare(run, 'direction')).filter(isOff);
  if (wrong.length > 0) {
    const what = wrong.map(({ name, apart }) => `${name} is off by ${apart.toExponential(1)}`).join(', ');
    throw new GsasError(`${op.name} at ${JSON.stringify(shape)}: ${what}; it is not timed while it is wrong`);
  }

  const { pool } = clock.gpu;
  const rows: KernelRow[] = [];
  const add = (pass: KernelRow['pass'], cost: Cost, times: Times[]) =>
    rows.push({
      bench: 'kernels',
      impl: 'gsas',
      op: op.name,
      pass,
      shape: shapeText(shape),
      ...figures(times, cost, roofline),
      device_mib: pool.peakBytes / 2 ** 20,
      rss_mib: peakRssMib(),
    });

  pool.resetPeak();
  const forward = await repeat(() => clock.time(stream, () => stream.scope(() => void run.forward())), effort);
  add('forward', op.cost.forward(shape), forward);
  if (op.cost.backward && run.differentiable.length > 0) {
    pool.resetPeak();
    const backward = await repeat(async () => {
      const rest = run.readyBackward();
      let gradients: Record<string, Tensor> = {};
      const times = await clock.time(stream, () => {
        gradients = rest();
      });
      for (const tensor of Object.values(gradients)) stream.release(tensor);
      return times;
    }, effort);
    add('backward', op.cost.backward(shape), backward);
  }
  run.release();
  return rows;
}

/** Medians, spreads and rates of repeated runs. GPU time counts if there is any, because host time includes the way to the GPU. */
function figures(times: readonly Times[], cost: Cost, roofline: Roofline) {
  const host = summarise(times.map(({ host }) => host));
  const gpu = times[0].gpu === undefined ? undefined : summarise(times.map(({ gpu }) => gpu!));
  const best = gpu ?? host;
  const { percent, bound } = rooflinePercent(roofline, cost, best.median);
  return {
    median_ms: host.median,
    p10_ms: host.p10,
    p90_ms: host.p90,
    ...(gpu && { gpu_ms: gpu.median, gpu_p10_ms: gpu.p10, gpu_p90_ms: gpu.p90 }),
    runs: times.length,
    gb_per_s: cost.bytes / best.median / 1e6,
    gflop_per_s: cost.flops / best.median / 1e6,
    roofline_percent: percent,
    bound,
    wide: isWide(best),
  };
}

/** A bench shape in a few words: `T=3200 D=128`, of a list its length and its sum. */
export function shapeText(shape: unknown): string {
  const text = (value: unknown): string => {
    if (Array.isArray(value)) return `${value.length}(sum ${value.reduce((a, b) => a + b, 0)})`;
    return typeof value === 'object' ? `{${shapeText(value)}}` : String(value);
  };
  return Object.entries(shape as object)
    .map(([key, value]) => (value === true ? key : `${key}=${text(value)}`))
    .join(' ');
}
