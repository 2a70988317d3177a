import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { InputError } from '../../base/errors.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import type { TrainOptions } from '../../train/config.js';
import { loadCheckpoint, saveWeights } from '../checkpoint.js';
import { systemReason } from '../files.js';
import { copyNames, itemNames, keepNames } from '../names.js';
import { checkpointIn, createRun } from '../run-folder.js';
import { refuseHeld } from '../run-lock.js';
import { copySource, openSource, rememberSource, trainedOnEverything } from '../source.js';
import { readOfficial } from './official.js';
import { writeOnnx } from './onnx.js';
import { writeStateDict } from './state-dict-writer.js';

/** How to read a checkpoint. */
export interface OpenOptions {
  /** Which checkpoint of a run's folder. */
  readonly which?: 'best' | 'last';
  /** What an official checkpoint does not hold: num_heads, and the options of training. */
  readonly given?: Partial<TrainOptions>;
}

/** How to read a checkpoint, and what to note in the copy. */
export interface ConvertOptions extends OpenOptions {
  /** For a run's folder: where its data is, so that `evaluate` finds it. */
  readonly data?: string;
}

/** A checkpoint, and whether it comes from a state dict of the official port, which holds no configuration. */
export interface Converted {
  readonly checkpoint: Checkpoint;
  readonly official: boolean;
}

/** How files begin: a zip's first record; the pickled magic number of torch.save before torch 1.6. */
const ZIP = Buffer.from('PK\x03\x04');
const OLD_TORCH = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

type Write = (output: string, checkpoint: Checkpoint) => void;
const WRITERS: Readonly<Record<string, Write>> = {
  '.safetensors': saveWeights,
  '.pt': (output, { weights }) => writeStateDict(output, weights),
  '.pth': (output, { weights }) => writeStateDict(output, weights),
  '.onnx': writeOnnx,
};

/**
 * Writes a checkpoint in another format: .safetensors is ours, .pt (or .pth) the official PyTorch port's, .onnx is for
 * other runtimes; an `output` without an ending, or with a / at its end, is the folder of a run, with the checkpoint as its best.safetensors
 * and what the input's folder says of data and items.
 * @param input a run's folder, a .safetensors file of ours, or a .pt file of the official port
 * @throws InputError for an input that is no checkpoint, for one whose tensors are not gSASRec's, for an output of unknown
 * ending, and beyond the format's size
 */
export function convert(input: string, output: string, { data, ...options }: ConvertOptions = {}): Converted {
  const write = writerOf(input, output, data);
  const converted = openCheckpoint(input, options);
  write(output, converted.checkpoint);
  return converted;
}

/** The checkpoint in a file of ours or of the official port, or in a run's folder. @throws InputError as convert does */
export function openCheckpoint(path: string, { which = 'best', given = {} }: OpenOptions = {}): Converted {
  const start = firstBytes(path);
  if (start?.equals(OLD_TORCH)) {
    throw new InputError(`${path}: is of torch before 1.6; load it there and torch.save it with a later one`);
  }
  if (start?.subarray(0, ZIP.length).equals(ZIP) || (start && /\.pth?$/i.test(path))) {
    return { checkpoint: readOfficial(path, given), official: true };
  }
  if (extname(path).toLowerCase() === '.onnx') {
    throw new InputError(`${path}: ONNX is written, not read; convert the checkpoint that it was made from`);
  }
  const [key] = Object.keys(given);
  if (key !== undefined) {
    throw new InputError(`${path}: holds its own configuration, so ${key} cannot be given; leave it out`);
  }
  return { checkpoint: loadCheckpoint(path, which), official: false };
}

function writerOf(input: string, output: string, data: string | undefined): Write {
  const ending = extname(output).toLowerCase();
  if (ending === '' || output.endsWith('/')) return (run, checkpoint) => writeRun(run, checkpoint, input, data);
  if (data !== undefined)
    throw new InputError(`${output}: is no folder of a run, so it cannot note data; leave out --data`);
  const write = WRITERS[ending];
  if (write !== undefined) return write;
  throw new InputError(
    `${output}: ends with ${ending}; known are ${Object.keys(WRITERS).join(', ')}, and no ending, or a / at the end, for the folder of a run`,
  );
}

/** @param input what the run is a copy of: what is recorded there of its data and its items goes with it */
function writeRun(run: string, checkpoint: Checkpoint, input: string, data: string | undefined): void {
  const dataset = data === undefined ? undefined : openSource(data).dataset;
  const { num_items } = checkpoint.config;
  if (dataset !== undefined && dataset.numItems !== num_items) {
    throw new InputError(
      `${data}: has ${dataset.numItems} items, but the checkpoint knows ${num_items}; name its own data`,
    );
  }
  refuseHeld(run);
  const found = checkpointIn(run);
  if (found !== undefined)
    throw new InputError(
      `${run}: a run is there already (${found}); name another folder, or a file ending with ${Object.keys(WRITERS).join(', ')}`,
    );
  const lock = createRun(run);
  try {
    if (dataset !== undefined) {
      rememberSource(run, data!, dataset, trainedOnEverything(input));
      keepNames(run, itemNames(data), dataset);
    } else if (copySource(input, run)) copyNames(input, run);
    saveWeights(join(run, 'best.safetensors'), checkpoint);
  } finally {
    lock.release();
  }
}

/** The first bytes, enough to distinguish formats; undefined for a folder. */
function firstBytes(path: string): Buffer | undefined {
  try {
    if (statSync(path).isDirectory()) return undefined;
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(OLD_TORCH.length);
      return bytes.subarray(0, readSync(fd, bytes));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}
