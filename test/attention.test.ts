import { beforeAll, describe, expect, it } from 'vitest';
import { InputError, ShapeError } from '../src/base/errors.js';
import { HostRandom } from '../src/base/philox.js';
import { Tape } from '../src/engine/tape.js';
import type { Tensor } from '../src/engine/tensor.js';
import { attention } from '../src/kernels/attention/index.js';
import { difference } from '../src/kernels/differences.js';
import { normals, spansOf } from '../src/kernels/inputs.js';
import { stream } from './support/device.js';

const T = 19;
const D = 8;

/** What the registry's cases cannot test: how attention treats its arguments. Values and gradients are compared in kernels.test.ts. */
describe('attention', () => {
  let spans: Tensor;
  beforeAll(() => {
    spans = stream.upload(spansOf([3, 16]).data, [T, 2]);
  });

  const rows = (seed: number, requiresGrad = true) =>
    stream.upload(normals(new HostRandom(seed), [T, D]).data, [T, D], { requiresGrad });

  /** The gradients of `wanted` after attention with dropout. */
  async function gradients(q: Tensor, k: Tensor, v: Tensor, wanted: Tensor[]) {
    const tape = new Tape(stream);
    const y = attention(tape, q, k, v, spans, { heads: 2, dropout: { rate: 0.25, site: 1 } });
    tape.backward({ of: y, gradient: rows(9) });
    return Promise.all(wanted.map((tensor) => stream.read(tape.gradient(tensor))));
  }

  it('gives the same bits twice', async () => {
    const [q, k, v] = [rows(1), rows(2), rows(3)];
    expect(await gradients(q, k, v, [q, k, v])).toEqual(await gradients(q, k, v, [q, k, v]));
  });

  it('adds both gradients of one tensor that is key and value', async () => {
    const [q, k, v] = [rows(1), rows(2), rows(2)];
    const [dk, dv] = await gradients(q, k, v, [k, v]);
    const [both] = await gradients(q, k, k, [k]);
    expect(
      difference(
        both!,
        dk!.map((value, i) => value + dv![i]),
      ),
    ).toBeLessThan(1e-6);
  });

  it('leaves a tensor that needs no gradient without one', async () => {
    const [q, k, v, frozen] = [rows(1), rows(2), rows(3), rows(2, false)];
    const [dq, dv] = await gradients(q, k, v, [q, v]);
    expect(await gradients(q, frozen, v, [q, v])).toEqual([dq, dv]);
    await expect(gradients(q, frozen, v, [frozen])).rejects.toThrow('no gradient');
  });

  it('names what does not fit', () => {
    const [q, k] = [rows(1), rows(2)];
    const narrow = stream.empty([T, 4]);
    const run = (v: Tensor, heads: number) => () => attention(new Tape(stream), q, k, v, spans, { heads });
    expect(run(narrow, 1)).toThrow(new ShapeError('attention: axis D is 8 in q [19, 8] but 4 in v [19, 4]'));
    expect(run(k, 3)).toThrow(new InputError('attention: 8 columns do not divide into 3 heads'));
  });
});
