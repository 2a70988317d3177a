import { describe, expect, it } from 'vitest';
import { GsasError } from '../src/base/errors.js';
import { Gradient } from '../src/engine/gradient.js';
import { tableOf } from '../src/engine/table.js';
import { Tape } from '../src/engine/tape.js';
import { addInto } from '../src/kernels/add/index.js';
import { gather } from '../src/kernels/gather/index.js';
import { gpu, stream } from './support/device.js';

const ids = () => stream.upload(Uint32Array.of(2, 0, 2), [3]);
const rows = () =>
  stream.upload(
    Float32Array.from({ length: 12 }, (_, i) => i),
    [3, 4],
  );

describe('a view', () => {
  it('keeps the buffer until the last handle is released, in whatever order', () => {
    const tensor = rows();
    const { buffer } = tensor;
    const view = stream.view(tensor, [12]);
    expect([view.shape, view.dtype, view.buffer]).toEqual([[12], 'f32', buffer]);
    stream.release(tensor);
    expect(buffer.holders).toBe(1);
    stream.release(view);
    expect(buffer.holders).toBe(0);
  });

  it('is refused of another size, or of what is gone', () => {
    const tensor = rows();
    expect(() => stream.view(tensor, [3, 3])).toThrow('view: [3, 3] is no view of [3, 4]');
    expect(() => stream.view(tensor, [1, 4], 4)).toThrow('view: [1, 4] from number 4 on is no view of [3, 4]');
    expect(() => stream.view(tensor, [1, 4], 64)).toThrow('view: [1, 4] from number 64 on is no view of [3, 4]');
    stream.release(tensor);
    expect(() => stream.view(tensor)).toThrow('view: the tensor [3, 4] was released');
    expect(() => stream.release(tensor)).toThrow('a tensor [3, 4] was released twice');
  });

  it('begins where it is told to', async () => {
    const whole = stream.upload(
      Float32Array.from({ length: 256 }, (_, i) => i),
      [4, 64],
    );
    const part = stream.view(whole, [2, 64], 64);
    const last = stream.view(part, [64], 64);
    expect(Array.from(await stream.read(last))).toEqual(Array.from({ length: 64 }, (_, i) => 128 + i));
    addInto(stream, stream.upload(new Float32Array(128).fill(1000), [2, 64]), part);
    stream.copy(
      stream.upload(
        Float32Array.from({ length: 64 }, (_, i) => 192 + i),
        [64],
      ),
      part,
    );
    stream.fill0(last);
    stream.write(stream.view(whole, [64], 192), new Float32Array(64).fill(7));
    const row = (first: number) => Array.from({ length: 64 }, (_, i) => first + i);
    const expected = [...row(0), ...row(192), ...Array(64).fill(0), ...Array(64).fill(7)];
    expect(Array.from(await stream.read(whole))).toEqual(expected);
  });

  it('that a scope made is released at its end, the tensor outside is not', () => {
    const tensor = rows();
    stream.scope(() => void stream.view(tensor));
    expect(tensor.buffer.holders).toBe(1);
    stream.release(tensor);
  });
});

describe('a gradient', () => {
  const both = () => {
    const gradient = new Gradient(stream, [5, 4]);
    gradient.own(stream.zeros([5, 4]));
    const share = { ids: ids(), source: rows() };
    gradient.addRows(share);
    for (const tensor of Object.values(share)) stream.release(tensor);
    return gradient;
  };

  it.each([
    ['dense part', (gradient: Gradient) => gradient.takeRows()],
    ['shares by rows', (gradient: Gradient) => gradient.takeDense()],
  ])('cannot be used without its %s', (part, take) => {
    const gradient = both();
    take(gradient);
    expect(() => gradient.end()).toThrow(new GsasError(`the gradient of [5, 4] was used without its ${part}`));
  });

  it('gives everything back when both parts were used', () => {
    const gradient = both();
    const held = [gradient.takeDense()!, ...Object.values(gradient.takeRows()[0])].map(({ buffer }) => buffer);
    expect(held.map(({ holders }) => holders)).toEqual([1, 1, 1]);
    gradient.end();
    expect(held.map(({ holders }) => holders)).toEqual([0, 0, 0]);
  });

  it('is no single tensor where part of it came by rows', () => {
    const gradient = both();
    expect(() => gradient.whole()).toThrow('the gradient of [5, 4] came by rows; take both of its parts');
    gradient.release();
  });

  it('adds up over several backward passes until it is taken', async () => {
    const table = stream.upload(new Float32Array(20).fill(1), [5, 4], { requiresGrad: true });
    const tape = new Tape(stream);
    const named = ids();
    for (let pass = 0; pass < 3; pass++) {
      const y = gather(tape, tableOf(table), named);
      tape.backward({ of: y, gradient: rows() });
    }
    const gradient = tape.take(table)!;
    const sums = await stream.read(gradient.takeDense()!);
    gradient.end();
    expect(Array.from(sums)).toEqual([12, 15, 18, 21, 0, 0, 0, 0, 24, 30, 36, 42, ...Array(8).fill(0)]);
    expect(tape.take(table)).toBeUndefined();
    for (const tensor of [table, named]) stream.release(tensor);
    expect(gpu.pool.peakBytes).toBeGreaterThan(0);
  });
});
