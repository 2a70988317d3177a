import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DamagedFileError, InputError } from '../base/errors.js';
import { firstNonFinite } from '../base/finite.js';
import { quoted } from '../base/printable.js';
import { parameterShapes } from '../model/config.js';
import type { HostParameters } from '../model/parameters.js';
import { architectureNames, DEFAULT_MODEL } from '../model/registry.js';
import { type Checkpoint, LOOP_START, type OptimizerSlots, type ResumableCheckpoint } from '../train/checkpoint.js';
import { parseConfig, type TrainConfig } from '../train/config.js';
import { parseJson, systemReason } from './files.js';
import { makeFolders } from './make-folders.js';
import { type HostTensor, readSafetensors, type TensorFile, writeSafetensors } from './safetensors.js';

/** The version of the checkpoint format that is written. Version 1 has no such number, and no checksums. */
const FORMAT = 2;

const OPTIMIZER_FILE = /^last\.optimizer-\d+\.safetensors$/;

/** Throws an InputError when a run is in that folder already. */
export function refuseTaken(run: string): void {
  const found = ['last', 'best'].map((which) => `${which}.safetensors`).find((name) => existsSync(join(run, name)));
  if (found !== undefined) {
    throw new InputError(
      `${run}: a run is there already (${found}); add --resume to go on with it, or choose another --out`,
    );
  }
}

/**
 * Makes the folder of a new run. Throws an InputError when a run is there already, or when it cannot be made. Call it when
 * data and configuration have been checked, so that bad input leaves no folder behind.
 */
export function createRun(run: string): void {
  refuseTaken(run);
  try {
    makeFolders(run);
  } catch (error) {
    throw new InputError(`${run}: this folder cannot be made: ${systemReason(error)}; choose another --out`, {
      cause: error,
    });
  }
}

/** Writes weights alone, whole or not at all. */
export function saveWeights(file: string, checkpoint: Checkpoint): void {
  writeSafetensors(file, floatTensors('', checkpoint.weights), weightsMetadata(checkpoint));
}

/**
 * Writes last.safetensors and the optimizer's state beside it, and best.safetensors first when these weights are the best.
 * A kill at any moment leaves a folder to resume from: the optimizer's file carries the step in its name and is there
 * before last.safetensors, which names it, changes in one rename; what nothing names any more goes last. best comes
 * first because last remembers the best metric: were it the other way round, a kill between the two would lose the best.
 */
export function saveCheckpoint(run: string, checkpoint: ResumableCheckpoint, isBest: boolean): void {
  if (isBest) saveWeights(join(run, 'best.safetensors'), checkpoint);
  const optimizer = `last.optimizer-${checkpoint.step}.safetensors`;
  const { step, loop } = checkpoint;
  const slots = Object.entries(checkpoint.slots).flatMap(([slot, values]) => [...floatTensors(`${slot}/`, values)]);
  const state = { format: String(FORMAT), step: String(step), loop: JSON.stringify(loop) };
  writeSafetensors(join(run, optimizer), new Map(slots), state);
  const last = { ...weightsMetadata(checkpoint), optimizer };
  writeSafetensors(join(run, 'last.safetensors'), floatTensors('', checkpoint.weights), last);
  for (const name of readdirSync(run)) {
    if (name !== optimizer && OPTIMIZER_FILE.test(name.replace(/\.tmp$/, ''))) rmSync(join(run, name), { force: true });
  }
}

/**
 * The weights of a checkpoint file, or of a run folder's best or last. Throws an InputError that names the file, the
 * tensor, its shape and the one its configuration asks for.
 */
export function loadCheckpoint(path: string, which: 'best' | 'last' = 'best'): Checkpoint {
  return parseWeights(checkpointFile(path, which)).checkpoint;
}

/** The last checkpoint of a run folder with everything needed to go on from it. Throws an InputError like loadCheckpoint. */
export function loadResumable(run: string): ResumableCheckpoint {
  const file = join(run, 'last.safetensors');
  if (!existsSync(file)) {
    throw new InputError(
      `${run}: nothing to resume, there is no last.safetensors; leave out --resume to start a run here`,
    );
  }
  const { checkpoint, metadata } = parseWeights(file);
  const name = metadata.optimizer ?? '';
  if (!OPTIMIZER_FILE.test(name)) {
    throw new InputError(
      `${file}: names no optimizer state, so it cannot be resumed; use a run's own last.safetensors`,
    );
  }
  const optimizer = join(run, name);
  if (!existsSync(optimizer)) {
    throw new InputError(
      `${optimizer}: is missing, and ${file} cannot be resumed without it; start another run with --out`,
    );
  }
  const state = readSafetensors(optimizer);
  checkFormat(state, optimizer);
  const step = parseCount(state, 'step', optimizer);
  if (step !== checkpoint.step) {
    throw new InputError(
      `${optimizer}: is of step ${step}, but ${file} is of step ${checkpoint.step}; put back its own`,
    );
  }
  const loop = { ...LOOP_START, ...parseNumbers(state, 'loop', optimizer) };
  return { ...checkpoint, slots: parseSlots(state, checkpoint.config, optimizer), loop };
}

/** Each slot holds a tensor of each parameter's shape, named SLOT/PARAMETER. */
function parseSlots(state: TensorFile, config: TrainConfig, file: string): OptimizerSlots {
  const shapes = [...parameterShapes(config)];
  const names = [...new Set([...state.tensors.keys()].map((name) => name.split('/')[0]))];
  const expected = new Map(names.flatMap((slot) => shapes.map(([name, shape]) => [`${slot}/${name}`, shape])));
  const tensors = checkTensors(state, expected, file);
  const slotOf = (slot: string) => new Map(shapes.map(([name]) => [name, tensors.get(`${slot}/${name}`)!]));
  return Object.fromEntries(names.map((slot) => [slot, slotOf(slot)]));
}

function checkpointFile(path: string, which: 'best' | 'last'): string {
  if (/\.(pth?|onnx)$/i.test(path)) {
    throw new InputError(`${path}: is no .safetensors file; \`gsas-wgpu convert\` makes one of a .pt file`);
  }
  if (!existsSync(path) || !statSync(path).isDirectory()) return path;
  const [file, other] = [which, which === 'best' ? 'last' : 'best'].map((name) => join(path, `${name}.safetensors`));
  if (existsSync(file)) return file;
  const hint = existsSync(other) ? `use ${other}` : 'name the folder of a run or a checkpoint file';
  throw new InputError(`${path}: holds no ${which}.safetensors; ${hint}`);
}

function weightsMetadata({ config, step, epoch, metrics }: Checkpoint): Record<string, string> {
  return {
    format: String(FORMAT),
    architecture: config.model,
    config: JSON.stringify(config),
    step: String(step),
    epoch: String(epoch),
    metrics: JSON.stringify(metrics),
  };
}

function floatTensors(prefix: string, weights: HostParameters): Map<string, HostTensor> {
  return new Map([...weights].map(([name, { shape, data }]) => [prefix + name, { dtype: 'F32', shape, data }]));
}

function parseWeights(file: string): { checkpoint: Checkpoint; metadata: Record<string, string> } {
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
  return { checkpoint: { config, step, epoch, metrics, weights }, metadata: content.metadata };
}

/** The file's tensors in the order of `expected`, if they are exactly those. */
function checkTensors(
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
  checkFinite(weights, file);
  const stray = [...tensors.keys()].find((name) => !expected.has(name));
  if (stray !== undefined) {
    throw new InputError(
      `${file}: tensor ${stray} is not part of the model that the configuration in this file describes`,
    );
  }
  return weights;
}

/** @throws InputError for a number that is not finite: its model ranks nothing */
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

function checkFormat({ metadata: { format = '1' }, checked }: TensorFile, file: string): void {
  const version = /^\d+$/.test(format) ? Number(format) : 0;
  if (version >= 2 && !checked) throw new DamagedFileError(`${file}: is damaged: it has no checksums`);
  if (version >= 1 && version <= FORMAT) return;
  throw new InputError(
    `${file}: has checkpoint format ${JSON.stringify(format)}, but this version reads up to ${FORMAT}; update gsas-wgpu`,
  );
}

function parseField({ metadata }: TensorFile, field: string, file: string): unknown {
  if (!Object.hasOwn(metadata, field)) {
    throw new InputError(`${file}: its metadata has no ${field}; was it written by gsas-wgpu?`);
  }
  return parseJson(metadata[field], `${file}: metadata ${field}`);
}

function parseCount(content: TensorFile, field: string, file: string): number {
  const value = parseField(content, field, file);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InputError(`${file}: its metadata has ${quoted(value)} as ${field}; it must be a count`);
}

function parseNumbers(content: TensorFile, field: string, file: string): Record<string, number> {
  const value = parseField(content, field, file);
  if (typeof value === 'object' && value !== null && Object.values(value).every((v) => typeof v === 'number')) {
    return value as Record<string, number>;
  }
  throw new InputError(`${file}: its metadata has ${quoted(value)} as ${field}; it must be an object of numbers`);
}
