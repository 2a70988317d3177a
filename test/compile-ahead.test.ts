import { afterEach, expect, it } from 'vitest';
import { compileAhead } from '../src/engine/compile-ahead.js';
import { Gpu } from '../src/engine/gpu.js';
import { program } from '../src/engine/program.js';
import { Stream } from '../src/engine/stream.js';
import { openAdapter } from '../src/node/adapter.js';
import { openTestGpu } from './support/gpu.js';

const scale = program(
  'scale',
  (factor: number) => `
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [count]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [count]
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { y[id.x] = ${factor}.0 * x[id.x]; }
}
`,
);
const FACTORS = [2, 3, 4, 5, 6, 7];

const opened: Gpu[] = [];
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.close();
});

/** A device that has rehearsed six programs, and the others that it opened to compile them with. */
async function rehearsed(slow: boolean) {
  const helpers: Gpu[] = [];
  const count = { submits: 0 };
  const counted = (gpu: Gpu) => {
    const { queue } = gpu.device;
    const submit = queue.submit.bind(queue);
    queue.submit = (commands) => {
      count.submits++;
      return submit(commands);
    };
    return gpu;
  };
  const compilers = async () => {
    helpers.push(counted(await openTestGpu()));
    return helpers;
  };
  const gpu = counted(await openTestGpu({ compilers }));
  opened.push(gpu);
  const stream = new Stream(gpu);
  const run = () => {
    const x = stream.upload(Float32Array.of(1, 10), [2]);
    return FACTORS.map((factor) => {
      const y = stream.zeros([2]);
      stream.dispatch(scale(factor), { x, y, count: 2 }, 1);
      return y;
    });
  };
  stream.rehearse(run);
  if (slow) {
    const wait = gpu.wait.bind(gpu);
    gpu.wait = async (work) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return wait(work);
    };
  }
  count.submits = 0;
  return { gpu, stream, run, helpers, count };
}

it('launches every new program once, and leaves results as they are', async () => {
  const { gpu, stream, run, count } = await rehearsed(false);
  await compileAhead(gpu);
  expect(count.submits).toBe(FACTORS.length);
  await compileAhead(gpu);
  expect(count.submits).toBe(FACTORS.length);
  expect(gpu.pipelines.takeNew()).toEqual([]);
  const results = await Promise.all(run().map((y) => stream.read(y)));
  expect(results.map((y) => [...y])).toEqual(FACTORS.map((factor) => [factor, 10 * factor]));
});

it('shares the work with other devices where it is slow, and closes them', async () => {
  const { gpu, helpers, count } = await rehearsed(true);
  await compileAhead(gpu);
  expect(helpers.length).toBe(1);
  expect(count.submits).toBe(FACTORS.length);
  expect(helpers[0].pipelines.created.pipelines).toBeGreaterThan(0);
  await expect(helpers[0].device.lost).resolves.toMatchObject({ reason: 'destroyed' });
  expect(gpu.created.pipelines).toBe(FACTORS.length);
  gpu.check();
});

it('begins no further shader once it is aborted', async () => {
  const { gpu, helpers, count } = await rehearsed(true);
  const interrupt = new AbortController();
  const { queue } = gpu.device;
  const submit = queue.submit.bind(queue);
  queue.submit = (commands) => {
    interrupt.abort();
    return submit(commands);
  };
  await compileAhead(gpu, interrupt.signal);
  expect(count.submits).toBe(1);
  expect(helpers).toEqual([]);
});

it('does nothing on a device whose driver compiles in time', async () => {
  const { adapter } = await openAdapter();
  const gpu = await Gpu.open(adapter);
  opened.push(gpu);
  const stream = new Stream(gpu);
  stream.rehearse(() => {
    const x = stream.zeros([2]);
    stream.dispatch(scale(8), { x, y: stream.empty([2]), count: 2 }, 1);
  });
  await compileAhead(gpu);
  expect(gpu.pool.created).toBe(2);
});
