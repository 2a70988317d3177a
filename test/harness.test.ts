import { describe, expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { checkCase, compare, isOff, OpRun } from '../src/kernels/harness.js';
import type { Op } from '../src/kernels/op.js';
import { registry } from '../src/kernels/registry.js';
import { gpu, stream } from './support/device.js';

const op = (name: string) => registry.find((op) => op.name === name)!;
const add = op('add');
const group = op('group');

/** What the harness finds wrong in an operation's case 1, by finite differences and in one direction. */
async function wrongIn(op: Op): Promise<string[][]> {
  const names = [(await checkCase(gpu, op, 1)).filter(isOff)];
  const run = new OpRun(stream, op, op.cases[1], new HostRandom(1));
  names.push((await compare(run, 'direction')).filter(isOff));
  run.release();
  return names.map((deviations) => deviations.map(({ name }) => name));
}

/** The operation with a different reference for some outputs, by name. */
const withReference = (op: Op, change: (outputs: Record<string, Float64Array | Uint32Array>) => void): Op => ({
  ...op,
  reference: (shape, inputs) => {
    const outputs = op.reference(shape, inputs);
    change(outputs);
    return outputs;
  },
});

describe('the harness', () => {
  it('compares every output and every gradient', async () => {
    const names = (await checkCase(gpu, add, 1)).map(({ name }) => name);
    expect(names).toEqual(['y', 'da', 'db']);
    expect(await wrongIn(add)).toEqual([[], []]);
    expect((await checkCase(gpu, op('sampled_gbce'), 1)).map(({ name }) => name)).toEqual(['loss', 'dh', 'dtable']);
  });

  it('notices one element that is off, one integer, one that is no number', async () => {
    const off = withReference(add, ({ y }) => {
      y[17] += 1e-4;
    });
    expect(await wrongIn(off)).toEqual([['y'], ['y']]);
    const integer = withReference(group, ({ order }) => {
      order[5]++;
    });
    expect(await wrongIn({ ...integer, cases: [group.cases[0], group.cases[2]] })).toEqual([['order'], ['order']]);
    const nan = withReference(add, ({ y }) => {
      y[3] = Number.NaN;
    });
    expect((await wrongIn(nan))[0]).toContain('y');
  });

  it('notices an output that is missing, and one that the reference does not know', async () => {
    const fewer = withReference(group, (outputs) => {
      delete outputs.starts;
    });
    expect(await wrongIn(fewer)).toEqual([['starts'], ['starts']]);
    const more = withReference(group, (outputs) => {
      outputs.ends = outputs.starts;
    });
    expect(await wrongIn(more)).toEqual([['ends'], ['ends']]);
  });

  it('notices a gradient that is off, by either way', async () => {
    // The value is right at the inputs themselves, its derivative along b is not.
    let at: ArrayLike<number> | undefined;
    const steeper: Op = {
      ...add,
      reference: (shape, inputs) => {
        at ??= Float64Array.from(inputs.b);
        const { y } = add.reference(shape, inputs);
        return { y: y.map((value, i) => value + 0.01 * (inputs.b[i] - at![i])) };
      },
    };
    expect((await checkCase(gpu, steeper, 1)).filter(isOff).map(({ name }) => name)).toEqual(['db']);
    at = undefined;
    const run = new OpRun(stream, steeper, steeper.cases[1], new HostRandom(1));
    expect((await compare(run, 'direction')).filter(isOff).map(({ name }) => name)).toEqual(['gradient']);
    run.release();
  });

  it('gives back what it took', async () => {
    const inUse = () => {
      gpu.pool.resetPeak();
      return gpu.pool.peakBytes;
    };
    const before = inUse();
    for (const name of ['attention', 'sampled_gbce', 'adam']) await checkCase(gpu, op(name), 1);
    expect(inUse()).toBe(before);
  });
});
