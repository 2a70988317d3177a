import { HostRandom } from '../../src/base/philox.js';
import type { Program } from '../../src/engine/program.js';
import { Stream } from '../../src/engine/stream.js';
import type { Tensor } from '../../src/engine/tensor.js';
import type { GpuClock } from './gpu-clock.js';
import { COPIES_EACH, copyProbe, FLOPS_EACH, fmaProbe, gatherProbe, ROW, ROWS_EACH, WORKGROUP } from './probes.js';
import { highest, type Roofline } from './roofline.js';

const MEBIBYTE = 2 ** 20;
/** Traffic of the copy and of the gather. The largest exceed the caches of any GPU. */
const SIZES = [1, 8, 64, 256].map((size) => size * MEBIBYTE);
const RUNS = 7;
/** How often everything is measured, so that a busy moment of another process does not lower the roof. */
const ROUNDS = 3;
const INVOCATIONS = 2 ** 16;
/** An arithmetic probe that runs as long hides its launch. */
const LONG_ENOUGH = 5; // milliseconds

/** Measures what the adapter attains: the best of a few runs each, because a roof should not be exceeded. Takes a few seconds. */
export async function measureRoofline(clock: GpuClock): Promise<Roofline> {
  const rounds: Roofline[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await measureOnce(clock));
  return highest(rounds);
}

async function measureOnce(clock: GpuClock): Promise<Roofline> {
  const stream = new Stream(clock.gpu);
  const best = async (program: Program, args: Record<string, Tensor | number>, workgroups: number) => {
    const times: number[] = [];
    for (let run = 0; run <= RUNS; run++) {
      const { gpu, host } = await clock.time(stream, () => stream.dispatch(program, args, workgroups));
      if (run > 0) times.push(gpu ?? host);
    }
    return Math.min(...times);
  };
  /** Bytes a second of copying, half of the traffic read and half written. */
  const copy = async (bytes: number) => {
    const n = bytes / 32;
    const [x, y] = [stream.zeros([n, 4]), stream.empty([n, 4])];
    const rate = (1000 * bytes) / (await best(copyProbe({}), { x, y, n }, Math.ceil(n / COPIES_EACH / WORKGROUP)));
    stream.release(x);
    stream.release(y);
    return rate;
  };
  /** Bytes a second of gathering, all but a few of them rows read once each. */
  const gather = async (bytes: number) => {
    const n = Math.floor(bytes / (4 * (ROWS_EACH * (ROW + 1) + ROW)));
    const rows = Uint32Array.from({ length: n * ROWS_EACH }, (_, row) => row);
    const table = stream.zeros([rows.length, ROW]);
    const ids = stream.upload(new HostRandom(1).shuffle(rows), [rows.length]);
    const sums = stream.empty([n, ROW]);
    const milliseconds = await best(gatherProbe({}), { table, ids, sums, n }, Math.ceil((n * ROW) / 4 / WORKGROUP));
    for (const tensor of [table, ids, sums]) stream.release(tensor);
    return (1000 * bytes) / milliseconds;
  };
  const arithmetic = async () => {
    const y = stream.empty([INVOCATIONS]);
    for (let iterations = 64; ; iterations *= 4) {
      // a x + b with a = b = 1/2 keeps the numbers in a normal range.
      const milliseconds = await best(fmaProbe({}), { y, iterations, a: 0.5, b: 0.5 }, INVOCATIONS / WORKGROUP);
      if (milliseconds < LONG_ENOUGH) continue;
      stream.release(y);
      return (1000 * INVOCATIONS * iterations * FLOPS_EACH) / milliseconds;
    }
  };

  const limit = clock.gpu.device.limits.maxStorageBufferBindingSize;
  const memory = [];
  for (const bytes of SIZES.filter((size) => size <= limit)) {
    memory.push({ bytes, copy: await copy(bytes), gather: await gather(bytes) });
  }
  return { memory, flops: await arithmetic() };
}
