import { InputError } from '../../base/errors.js';
import { parameterShapes } from '../../model/config.js';
import { type GsasrecConfig, gsasrec } from '../../model/gsasrec.js';
import type { HostParameters } from '../../model/parameters.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import { resolveConfig, type TrainConfig, type TrainOptions } from '../../train/config.js';
import { checkFinite } from '../checkpoint.js';
import { StateDict } from './state-dict.js';

type Shapes = ReadonlyMap<string, readonly number[]>;
type Inferred = Omit<GsasrecConfig, 'num_heads' | 'dropout_rate'>;

/** The official configurations for MovieLens-1M have one head. A state dict does not say how many there are. */
export const ASSUMED_HEADS = 1;

/**
 * A checkpoint of the official PyTorch port, or of any code whose state dict has the same names and shapes. Its
 * parameters' shapes determine the catalogue, the window, the dimension, the blocks and whether item embeddings are reused. Heads and training
 * options come from `given`.
 * @param file what torch.save(model.state_dict(), file) has written
 * @param given num_heads, if there is more than one, and any training options; they must not contradict the shapes
 * @throws InputError for a file that holds no such state dict, naming the tensor, its shape and the expected one
 */
export function readOfficial(file: string, given: Partial<TrainOptions> = {}): Checkpoint {
  const state = new StateDict(file);
  try {
    const inferred = inferModel(state.shapes, file);
    checkAgreement(given, inferred, file);
    const { num_items, ...model } = inferred;
    const config = resolveConfig(num_items, [{ num_heads: ASSUMED_HEADS }, given, model], file);
    const expected = parameterShapes(config);
    checkShapes(state.shapes, expected, file);
    const found = state.read();
    const weights: HostParameters = new Map([...expected.keys()].map((name) => [name, found.get(name)!]));
    checkFinite(weights, file);
    return { config, step: 0, epoch: 0, metrics: {}, weights };
  } finally {
    state.close();
  }
}

function inferModel(shapes: Shapes, file: string): Inferred {
  const [rows, D] = tableShape(shapes, 'item_embedding.weight', file);
  const [S] = tableShape(shapes, 'position_embedding.weight', file);
  const blocks = [...shapes.keys()].map((name) => Number(/^transformer_blocks\.(\d+)\./.exec(name)?.[1] ?? -1));
  return {
    model: gsasrec.name,
    num_items: rows - 2,
    sequence_length: S,
    embedding_dim: D,
    // There cannot be more blocks than tensors, and listing the shapes of a million blocks would take long.
    num_blocks: Math.min(blocks.reduce((most, block) => Math.max(most, block), -1) + 1, shapes.size),
    reuse_item_embeddings: !shapes.has('output_embedding.weight'),
  };
}

/** The shape of a parameter that every model has. */
function tableShape(shapes: Shapes, name: string, file: string): readonly [number, number] {
  const shape = shapes.get(name);
  if (shape === undefined) {
    const others = [...shapes.keys()].slice(0, 3).join(', ') || 'nothing';
    throw new InputError(`${file}: tensor ${name} is missing, so it is no checkpoint of gSASRec; it holds ${others}`);
  }
  if (shape.length !== 2) throw new InputError(`${file}: tensor ${name} is [${shape}]; it must be a table of 2 axes`);
  return shape as [number, number];
}

/** What is given must not contradict the file. */
function checkAgreement(given: Partial<TrainOptions>, inferred: Inferred, file: string): void {
  for (const [key, value] of Object.entries(inferred)) {
    const asked = given[key as keyof TrainOptions];
    if (asked !== undefined && asked !== value) {
      throw new InputError(`${file}: its tensors have ${key} ${value}, but ${asked} was asked for; leave it out`);
    }
  }
}

function checkShapes(shapes: Shapes, expected: Shapes, file: string): void {
  for (const [name, shape] of expected) {
    const found = shapes.get(name);
    if (found === undefined) {
      throw new InputError(`${file}: tensor ${name} is missing; a gSASRec of this shape has it as [${shape}]`);
    }
    if (String(found) !== String(shape)) {
      throw new InputError(`${file}: tensor ${name} is [${found}], but beside the other tensors it must be [${shape}]`);
    }
  }
  const stray = [...shapes.keys()].find((name) => !expected.has(name));
  if (stray !== undefined) {
    throw new InputError(`${file}: tensor ${stray} is not part of gSASRec; the official model has no such parameter`);
  }
}

/** The lines of the official configuration that build the model of a checkpoint, for a file such as config_ml1m.py; none for other models than gSASRec. */
export function officialConfig(config: TrainConfig): string | undefined {
  if (config.model !== gsasrec.name) return undefined;
  const python = (value: number | boolean) => (typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value));
  const keys = ['sequence_length', 'embedding_dim', 'num_heads', 'num_blocks', 'reuse_item_embeddings'] as const;
  return keys.map((key) => `${key}=${python(config[key])}`).join(', ');
}
