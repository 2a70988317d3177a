import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DamagedFileError, InputError } from '../base/errors.js';
import { firstNonFinite } from '../base/finite.js';
import { quoted } from '../base/printable.js';
import { parameterShapes } from '../model/config.js';
import type { HostParameters } from '../model/parameters.js';
import { architectureNames, DEFAULT_MODEL } from '../model/registry.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { parseConfig } from '../train/config.js';
import { parseJson } from './files.js';
import { type HostTensor, readSafetensors, type TensorFile, writeSafetensors } from './safetensors.js';

/** The version of the checkpoint format. Version 1 has no such number and no checksums. */
export const FORMAT = 2;

/** Writes only weights, whole or not at all. */
export function saveWeights(file: string, checkpoint: Checkpoint): void {
  writeSafetensors(file, floatTensors('', checkpoint.weights), weightsMetadata(checkpoint));
}

/**
 * The weights of a checkpoint file, or of a run folder's best or last checkpoint. Throws an InputError that names the file, the tensor, its shape and the
 * expected shape.
 */
export function loadCheckpoint(path: string, which: 'best' | 'last' = 'best'): Checkpoint {
  return parseWeights(checkpointFile(path, which)).checkpoint;
}

/** The file of a checkpoint: the path itself, or in the folder of a run. @throws InputError if the folder has none */
export function checkpointFile(path: string, which: 'best' | 'last'): string {
  if (/\.(pth?|onnx)$/i.test(path)) {
    throw new InputError(`${path}: is no .safetensors file; \`gsas-wgpu convert\` makes one of a .pt file`);
  }
  if (!existsSync(path) || !statSync(path).isDirectory()) return path;
  const [file, other] = [which, which === 'best' ? 'last' : 'best'].map((name) => join(path, `${name}.safetensors`));
  if (existsSync(file)) return file;
  const hint = existsSync(other) ? `use ${other}` : 'name the folder of a run or a checkpoint file';
  throw new InputError(`${path}: holds no ${which}.safetensors; ${hint}`);
}

export function weightsMetadata({ config, step, epoch, metrics }: Checkpoint): Record<string, string> {
  return {
    format: String(FORMAT),
    architecture: config.model,
    config: JSON.stringify(config),
    step: String(step),
    epoch: String(epoch),
    metrics: JSON.stringify(metrics),
  };
}

export function floatTensors(prefix: string, weights: HostParameters): Map<string, HostTensor> {
  return new Map([...weights].map(([name, { shape, data }]) => [prefix + name, { dtype: 'F32', shape, data }]));
}

/** The checkpoint in a file, and everything else that the file holds. */
export function parseWeights(file: string): { checkpoint: Checkpoint; content: TensorFile } {
  const content = readSafetensors(file);
  checkFormat(content, file);
  const { architecture = DEFAULT_MODEL } = content.metadata;
  const known = architectureNames();
  if (!known.includes(architecture)) {
    throw new InputError(
      `${file}: holds a model of architecture ${quoted(architecture)}; known here are ${known.join(', ')}`,
    );
  }
  const config = parseConfig(parseField(content, 'config', file), file);
  const weights = checkTensors(content, parameterShapes(config), file);
  const step = parseCount(content, 'step', file);
  const epoch = parseCount(content, 'epoch', file);
  const metrics = parseNumbers(content, 'metrics', file);
  return { checkpoint: { config, step, epoch, metrics, weights }, content };
}

/** The file's tensors in the order of `expected`, if they are exactly those and all of their numbers are finite. */
export function checkTensors(
  content: TensorFile,
  expected: ReadonlyMap<string, readonly number[]>,
  file: string,
): HostParameters {
  const weights = matchTensors(content, expected, file);
  checkFinite(weights, file);
  return weights;
}

/** The file's tensors in the order of `expected`, if they are exactly those. */
export function matchTensors(
  { tensors }: TensorFile,
  expected: ReadonlyMap<string, readonly number[]>,
  file: string,
): HostParameters {
  const weights = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    const wanted = `the configuration in this file asks for F32 [${shape}]`;
    if (tensor === undefined) throw new InputError(`${file}: tensor ${name} is missing; ${wanted}`);
    if (tensor.dtype !== 'F32' || String(tensor.shape) !== String(shape)) {
      throw new InputError(`${file}: tensor ${name} is ${tensor.dtype} [${tensor.shape}], but ${wanted}`);
    }
    weights.set(name, { shape: tensor.shape, data: tensor.data });
  }
  const stray = [...tensors.keys()].find((name) => !expected.has(name));
  if (stray !== undefined) {
    throw new InputError(
      `${file}: tensor ${stray} is not part of the model that the configuration in this file describes`,
    );
  }
  return weights;
}

/** @throws InputError for a number that is not finite, with which a model cannot rank */
export function checkFinite(weights: HostParameters, file: string): void {
  for (const [name, { data }] of weights) {
    const at = firstNonFinite(data);
    if (at >= 0) {
      throw new InputError(
        `${file}: tensor ${name} holds ${data[at]} as number ${at + 1}; use a checkpoint of finite numbers`,
      );
    }
  }
}

export function checkFormat({ metadata: { format = '1' }, checked }: TensorFile, file: string): void {
  const version = /^\d+$/.test(format) ? Number(format) : 0;
  if (version >= 2 && !checked) throw new DamagedFileError(`${file}: is damaged: it has no checksums`);
  if (version >= 1 && version <= FORMAT) return;
  throw new InputError(
    `${file}: has checkpoint format ${JSON.stringify(format)}, but this version reads up to ${FORMAT}; update gsas-wgpu`,
  );
}

export function parseField({ metadata }: TensorFile, field: string, file: string): unknown {
  if (!Object.hasOwn(metadata, field)) {
    throw new InputError(`${file}: its metadata has no ${field}; was it written by gsas-wgpu?`);
  }
  return parseJson(metadata[field], `${file}: metadata ${field}`);
}

export function parseCount(content: TensorFile, field: string, file: string): number {
  const value = parseField(content, field, file);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InputError(`${file}: its metadata has ${quoted(value)} as ${field}; it must be a count`);
}

export function parseNumbers(content: TensorFile, field: string, file: string): Record<string, number> {
  const value = parseField(content, field, file);
  if (typeof value === 'object' && value !== null && Object.values(value).every((v) => typeof v === 'number')) {
    return value as Record<string, number>;
  }
  throw new InputError(`${file}: its metadata has ${quoted(value)} as ${field}; it must be an object of numbers`);
}
