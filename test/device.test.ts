import { describe, expect, it } from 'vitest';
import { OutOfMemoryError } from '../src/base/errors.js';
import { BufferPool, sizeClass } from '../src/engine/pool.js';
import { probeSubgroups } from '../src/engine/probe.js';
import { Stream } from '../src/engine/stream.js';
import { checkShapes, type Tensor } from '../src/engine/tensor.js';
import { gpu, stream } from './support/device.js';
import { openTestGpu } from './support/gpu.js';
import { SCALE } from './support/scale.js';
import { skipUntested } from './support/untested.js';

it('shapes that disagree are reported with both operands and the axis', () => {
  const tensor = (...shape: number[]) => ({ shape }) as unknown as Tensor;
  const check = (x: Tensor, w: Tensor) => checkShapes('linear', { x: [x, 'T', 'K'], w: [w, 3, 'K'] });
  expect(check(tensor(2, 5), tensor(3, 5))).toEqual({ T: 2, K: 5 });
  expect(() => check(tensor(2, 5), tensor(3, 4))).toThrow('linear: axis K is 5 in x [2, 5] but 4 in w [3, 4]');
  expect(() => check(tensor(2, 5), tensor(4, 5))).toThrow('linear: axis 0 of w [4, 5] must be 3');
  expect(() => check(tensor(2), tensor(3, 5))).toThrow('linear: x is [2], but must be [T, K]');
});

it('size classes hold what was asked for, waste at most a fifth and stay within the limit', () => {
  const limit = 1_000_000;
  for (let bytes = 257; bytes <= limit; bytes += 997) {
    const size = sizeClass(bytes, limit);
    expect(size).toBeGreaterThanOrEqual(bytes);
    expect(size).toBeLessThanOrEqual(Math.min(limit, bytes / 0.8 + 64));
  }
});

describe('a device', () => {
  const upload = (...values: number[]) => stream.upload(Float32Array.from(values), [values.length]);
  const read = async (tensor: Tensor) => Array.from(await stream.read(tensor));

  it('reuses buffers that were released, the smallest that holds what is asked for', () => {
    let id = 0;
    const pool = new BufferPool(gpu.device, 0x80, 2 ** 20, () => ++id);
    const [small, large] = [pool.acquire(1000), pool.acquire(100_000)];
    expect([small.bytes, large.bytes]).toEqual([1024, 114_688]);
    pool.release(large);
    pool.release(small);
    expect(() => pool.release(small)).toThrow('a buffer of 1024 bytes was released twice');
    expect(pool.acquire(900)).toBe(small);
    expect(pool.acquire(900)).toBe(large);
    expect(pool.created).toBe(2);
    pool.acquire(900);
    expect(pool.created).toBe(3);
    expect(pool.peakBytes).toBe(1024 + 114_688 + 1024);
  });

  it('says so when a tensor is larger than the adapter can bind', () => {
    expect(() => stream.empty([2 ** 20, 2 ** 20])).toThrow(OutOfMemoryError);
    expect(() => stream.empty([2 ** 20, 2 ** 20])).toThrow(
      /a buffer of 4194304.0 MiB is needed, .* use a smaller batch/,
    );
  });

  it('keeps the uniforms of more launches than its ring holds', async () => {
    const count = 1600;
    const x = upload(...Array(count).keys());
    const y = stream.empty([count]);
    const before = stream.submits;
    for (let at = 0; at < count; at++) stream.dispatch(SCALE, { x, y, at, factor: at % 7 }, 1);
    expect(await read(y)).toEqual(Array.from({ length: count }, (_, i) => i * (i % 7)));
    expect(stream.submits - before).toBe(3); // of 512 launches, 1024 and the rest
  });

  it('does not overwrite a tensor that recorded launches still have to read', async () => {
    const x = upload(3);
    const y = stream.empty([1]);
    stream.dispatch(SCALE, { x, y, at: 0, factor: 2 }, 1);
    stream.write(x, Float32Array.of(100));
    expect(await read(y)).toEqual([6]);
    expect(await read(x)).toEqual([100]);
  });

  it('does not do so either where the ring of uniforms is full', async () => {
    const fresh = new Stream(gpu);
    const x = upload(3);
    const y = stream.empty([1]);
    for (let i = 0; i < 513; i++) fresh.dispatch(SCALE, { x, y, at: 0, factor: i }, 1);
    fresh.write(x, Float32Array.of(100));
    expect(Array.from(await fresh.read(y))).toEqual([3 * 512]);
  });

  it('runs nothing of a rehearsal, not even where the ring of uniforms is full', async () => {
    const fresh = new Stream(gpu);
    const [x, y] = [upload(3), upload(5)];
    fresh.rehearse(() => Array.from({ length: 513 }, () => fresh.dispatch(SCALE, { x, y, at: 0, factor: 2 }, 1)));
    expect(await read(y)).toEqual([5]);
  });

  it('runs the work of two streams in the order in which it is recorded', async () => {
    const other = new Stream(gpu);
    const x = upload(3);
    const y = stream.empty([1]);
    stream.dispatch(SCALE, { x, y, at: 0, factor: 2 }, 1);
    stream.release(x);
    const reused = other.upload(Float32Array.of(100), [1]);
    expect(reused.buffer).toBe(x.buffer);
    other.dispatch(SCALE, { x: reused, y, at: 0, factor: 10 }, 1);
    stream.dispatch(SCALE, { x: y, y: reused, at: 0, factor: 1 }, 1);
    expect(Array.from(await other.read(y))).toEqual([1000]);
    expect(await read(reused)).toEqual([1000]);
  });

  it('refuses launches with a missing, superfluous or wrong argument', () => {
    const x = upload(1);
    const y = stream.empty([1]);
    const launch = (args: Record<string, Tensor | number>) => () => stream.dispatch(SCALE, args, 1);
    expect(launch({ x, at: 0, factor: 1 })).toThrow('scale: binding y has no tensor');
    expect(launch({ x, y, at: 0 })).toThrow('scale takes x, y, at, factor; it was given x, y, at');
    expect(launch({ x, y, at: 0, factor: 1, more: 2 })).toThrow('it was given x, y, at, factor, more');
    expect(launch({ x, y, at: 0, scale: 1 })).toThrow('scale: uniform factor is undefined, not a number');
    const u32 = stream.empty([1], 'u32');
    expect(launch({ x: u32, y, at: 0, factor: 1 })).toThrow('scale: x is u32, but the shader reads f32');
    expect(() => stream.upload(Float32Array.of(1, 2), [3])).toThrow('upload: 2 numbers do not fill [3]');
  });

  it('releases what a scope allocated, but for what it returns', () => {
    const outside = upload(1);
    let inner: Tensor | undefined;
    const kept = stream.scope(() => {
      inner = stream.empty([100_003]);
      stream.scope(() => outside);
      return { deep: stream.scope(() => [stream.empty([100_003])]) };
    }).deep[0];
    expect(stream.empty([100_003]).buffer).toBe(inner!.buffer);
    expect(stream.empty([100_003]).buffer).not.toBe(kept.buffer);
    expect(outside.buffer.holders).toBe(1);
  });

  it('fills with zeros and copies', async () => {
    const x = upload(1, 2, 3);
    const y = stream.empty([3]);
    stream.copy(x, y);
    stream.fill0(x);
    expect(await read(y)).toEqual([1, 2, 3]);
    expect(await read(x)).toEqual([0, 0, 0]);
  });
});

it('the probe finds subgroups as they are, and says what is wrong where they are of another size', async (context) => {
  const { subgroupSize: lanes, subgroupSizeStated: stated } = gpu.capabilities;
  if (lanes === 0) skipUntested(context, 'this adapter has no subgroups');
  expect(await probeSubgroups(gpu.device, { lanes, stated })).toBeUndefined();
  expect(await probeSubgroups(gpu.device, { lanes: 2 * lanes, stated: false })).toMatch(
    /^of invocation 0, in subgroups of \d+: its subgroup has another size/,
  );
  expect(await probeSubgroups(gpu.device, { lanes: 2048, stated: true })).toMatch(/^the shader .* is refused: /);
  gpu.check();
});

it('the profiler gives the time and the number of launches of each kernel in each phase', async () => {
  const gpu = await openTestGpu({ profile: true });
  const stream = new Stream(gpu);
  const x = stream.zeros([1]);
  const y = stream.empty([1]);
  for (let i = 0; i < 2050; i++) stream.dispatch(SCALE, { x, y, at: 0, factor: 1 }, 1); // more than one submit can time
  stream.phase = 'backward';
  stream.dispatch(SCALE, { x, y, at: 0, factor: 1 }, 1);
  await stream.finish();
  const times = await gpu.profiler!.take();
  expect(times.map(({ name, phase, launches }) => [name, phase, launches])).toEqual([
    ['scale', '', 2050],
    ['scale', 'backward', 1],
  ]);
  expect(times[0].milliseconds).toBeGreaterThan(0);
  expect(await gpu.profiler!.take()).toEqual([]);
  gpu.close();
});
