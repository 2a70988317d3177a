import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import type { Gpu } from '../src/engine/gpu.js';
import { CASE_RANDOM } from '../src/engine/kernel.js';
import { Stream } from '../src/engine/stream.js';
import { Tape } from '../src/engine/tape.js';
import type { Tensor } from '../src/engine/tensor.js';
import { registry } from '../src/kernels/index.js';
import { openTestGpu } from './support/gpu.js';
import { difference, finiteDifferences, largest, widen } from './support/numbers.js';

const VALUE_TOLERANCE = 1e-5; // of the largest value of an output
const GRADIENT_TOLERANCE = 5e-5; // of the largest element of a gradient

describe.each([{ subgroups: true }, { subgroups: false }])('kernels, subgroups $subgroups', (options) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu(options);
  });
  afterAll(() => gpu.close());

  for (const op of registry) {
    describe(op.name, () => {
      it.each(op.cases.map((shape, i) => [JSON.stringify(shape), shape, i] as const))(
        '%s',
        async (_, shape, number) => {
          const random = new HostRandom(1, number);
          const inputs = op.inputs(shape, random);
          const wide = widen(inputs);
          const expected = op.reference(shape, wide);

          const stream = new Stream(gpu);
          stream.random = { ...CASE_RANDOM };
          const tensors: Record<string, Tensor> = {};
          for (const [name, { data, shape: extent }] of Object.entries(inputs)) {
            tensors[name] = stream.upload(data, extent, { requiresGrad: op.differentiable.includes(name) });
          }
          const tape = new Tape(stream);
          const outputs = op.run(tape, shape, tensors);
          expect(Object.keys(outputs).sort()).toEqual(Object.keys(expected).sort());
          const reads = Object.entries(outputs).map(
            async ([name, tensor]) => [name, await stream.download(tensor)] as const,
          );

          const cotangents: Record<string, Float64Array> = {};
          if (op.differentiable.length > 0) {
            const roots = Object.entries(outputs).filter(([, tensor]) => tape.needsGradient(tensor));
            tape.backward(
              ...roots.map(([name, of]) => {
                const values = Float32Array.from(expected[name], () => (op.terminal ? 1 : random.normal()));
                cotangents[name] = Float64Array.from(values);
                return op.terminal ? { of } : { of, gradient: stream.upload(values, of.shape) };
              }),
            );
          }
          const differentiable = op.differentiable.filter((name) => name in inputs);
          const gradients = differentiable.map(
            async (name) => [name, await stream.download(tape.gradient(tensors[name]))] as const,
          );
          stream.submit();

          for (const [name, actual] of await Promise.all(reads)) {
            const reference = expected[name];
            if (reference instanceof Uint32Array) expect(Array.from(actual), name).toEqual(Array.from(reference));
            else expect(difference(actual, reference) / (largest(reference) || 1), name).toBeLessThan(VALUE_TOLERANCE);
          }
          for (const [name, actual] of await Promise.all(gradients)) {
            const { index, derivative } = finiteDifferences(
              (moved) => op.reference(shape, moved),
              wide,
              name,
              cotangents,
            );
            const apart = difference(
              index.map((i) => actual[i]),
              derivative,
            );
            expect(apart / (largest(derivative) || 1), `d${name}`).toBeLessThan(GRADIENT_TOLERANCE);
          }
        },
      );
    });
  }
});
