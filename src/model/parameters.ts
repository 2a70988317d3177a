import { HostRandom } from '../engine/philox.js';
import { sizeOf } from '../engine/tensor.js';
import { type ModelConfig, parameterShapes } from './config.js';

/** A parameter in host memory. */
export interface HostParameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Parameters by their official names, in state-dict order. */
export type HostParameters = ReadonlyMap<string, HostParameter>;

/**
 * Fresh parameters as PyTorch initialises them: embeddings N(0, initStd²) (its own default is 1), linear weights and biases
 * U(±1/sqrt(in)), norms 1 and 0. Each parameter has a random stream of its own, so that it depends on the seed and its place in the
 * state dict alone.
 */
export function initialParameters(config: ModelConfig, seed: number, initStd = 1): HostParameters {
  const parameters = new Map<string, HostParameter>();
  for (const [name, shape] of parameterShapes(config)) {
    const random = new HostRandom(seed, parameters.size);
    const data = new Float32Array(sizeOf(shape));
    const bound = 1 / Math.sqrt(config.embedding_dim);
    if (name.endsWith('embedding.weight')) for (let i = 0; i < data.length; i++) data[i] = initStd * random.normal();
    else if (name.endsWith('norm.weight')) data.fill(1);
    else if (!name.endsWith('norm.bias'))
      for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.uniform() - 1);
    parameters.set(name, { shape, data });
  }
  return parameters;
}
