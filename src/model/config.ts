import { InputError } from '../base/errors.js';
import { checkValue, type Domain } from '../base/options.js';
import { sizeOf } from '../engine/tensor.js';
import type { ModelConfig, ParameterSpec } from './architecture.js';
import { architectureOf } from './registry.js';

/** gBCE's alpha = k / (N - 1) needs two items; ids up to N + 1 must fit a 32-bit integer. */
const NUM_ITEMS: Domain = { type: 'integer', min: 2, max: 2 ** 31 - 3 };

/** Shaders address a table's elements with 32-bit integers. */
const MOST_ELEMENTS = 2 ** 32 - 1;

/** Throws an InputError that names the source, the key, its value and what is allowed. Keys of other tables are ignored. */
export function checkModelConfig(config: ModelConfig, source: string): void {
  checkValue('num_items', config.num_items, NUM_ITEMS, source);
  const architecture = architectureOf(config, source);
  for (const [key, option] of Object.entries(architecture.options)) {
    checkValue(key, config[key as keyof ModelConfig], option, source);
  }
  architecture.check?.(config, source);
  if ((config.num_items + 2) * config.embedding_dim > MOST_ELEMENTS) {
    throw new InputError(
      `${source}: embedding_dim is ${config.embedding_dim}, too many for ${config.num_items} items: a table holds at most ${MOST_ELEMENTS} numbers; choose a smaller embedding_dim`,
    );
  }
}

/** Every parameter of a model: name -> what its architecture declares, in the order of the state dict. */
export function parameterSpecs(config: ModelConfig): Map<string, ParameterSpec> {
  return architectureOf(config).parameters(config);
}

/** Their shapes: name -> axes. */
export function parameterShapes(config: ModelConfig): Map<string, readonly number[]> {
  return new Map(Array.from(parameterSpecs(config), ([name, { shape }]) => [name, shape] as const));
}

/** How many numbers they hold. */
export function parameterCount(config: ModelConfig): number {
  return Array.from(parameterShapes(config).values(), sizeOf).reduce((sum, size) => sum + size, 0);
}
