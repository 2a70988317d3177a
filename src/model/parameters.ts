import { HostRandom } from '../base/philox.js';
import { sizeOf } from '../engine/tensor.js';
import type { ModelConfig } from './architecture.js';
import { parameterSpecs } from './config.js';

/** A parameter in host memory. */
export interface HostParameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Parameters by name, in state-dict order. */
export type HostParameters = ReadonlyMap<string, HostParameter>;

/** How fresh parameters are drawn. */
export interface Initialisation {
  readonly seed: number;
  /** Standard deviation of the embedding tables; PyTorch's default is 1. */
  readonly std?: number;
  /**
   * The dot product of hidden state and row at which every item starts, which the objective knows. If left out, it is around 0, as in PyTorch.
   */
  readonly score?: number;
}

/**
 * Fresh parameters as the architecture declares them. gSASRec's start like PyTorch's: embeddings N(0, std²), linear weights and biases
 * U(±1/sqrt(in)), norms 1 and 0. Each parameter has its own random stream, so it depends only on the seed and its place in the state dict.
 *
 * A starting `score` is the prior of Lin et al., "Focal loss for dense object detection", ICCV 2017, section 4.1: the last norm's bias
 * becomes a in every dimension and the output table is shifted by -a, with a = sqrt(-score / D). The norm's output has mean zero over its dimensions, so
 * every score starts at `score` plus the noise of the table.
 */
export function initialParameters(config: ModelConfig, { seed, std = 1, score = 0 }: Initialisation): HostParameters {
  const parameters = new Map<string, HostParameter>();
  const start = { std, shift: Math.sqrt(-score / config.embedding_dim) };
  for (const [name, { shape, initialiser }] of parameterSpecs(config)) {
    const random = new HostRandom(seed, parameters.size);
    const data = new Float32Array(sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = initialiser.draw(random, start);
    parameters.set(name, { shape, data });
  }
  return parameters;
}
