import { InputError } from '../base/errors.js';
import { checkSchema, type Schema } from '../base/schema.js';
import { checkModelConfig, parameterShapes } from '../model/config.js';
import { type GsasrecConfig, gsasrec } from '../model/gsasrec.js';
import type { HostParameters } from '../model/parameters.js';
import { parseJson } from './files.js';
import { readSafetensors, type TensorFile } from './safetensors.js';

/** What a parity fixture's metadata says about the model, the loss and the optimizer that made its numbers. */
export interface FixtureMeta {
  items: number;
  seq: number;
  dim: number;
  heads: number;
  blocks: number;
  batch: number;
  negs: number;
  t: number;
  pad: number;
  reuse_item_embeddings: boolean;
  layer_norm_eps: number;
  adam: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
}

/** Numbers of the official code on a small random model, for comparison with ours. */
export interface Fixture {
  readonly config: GsasrecConfig;
  readonly meta: FixtureMeta;
  /** The tensor of that name. @throws InputError if the file has none */
  numbers(name: string): ArrayLike<number>;
  /** The parameters under a prefix: param, grad, adam1 or adam5. */
  parameters(prefix: string): HostParameters;
}

const META: Schema = {
  items: 'number',
  seq: 'number',
  dim: 'number',
  heads: 'number',
  blocks: 'number',
  batch: 'number',
  negs: 'number',
  t: 'number',
  pad: 'number',
  reuse_item_embeddings: 'boolean',
  layer_norm_eps: 'number',
  adam: { lr: 'number', betas: ['number'], eps: 'number', weight_decay: 'number' },
};

/** Reads a fixture: a safetensors file with `meta` in its metadata. @throws InputError naming what is missing or of another shape */
export function readFixture(file: string): Fixture {
  const content = readSafetensors(file);
  const meta = readMeta(content, file);
  const config: GsasrecConfig = {
    model: gsasrec.name,
    num_items: meta.items,
    sequence_length: meta.seq,
    embedding_dim: meta.dim,
    num_heads: meta.heads,
    num_blocks: meta.blocks,
    dropout_rate: 0,
    reuse_item_embeddings: meta.reuse_item_embeddings,
  };
  checkModelConfig(config, file);
  const tensor = (name: string) => {
    const found = content.tensors.get(name);
    if (!found) throw new InputError(`${file}: tensor ${name} is missing; a parity fixture has it`);
    return found;
  };
  return {
    config,
    meta,
    numbers: (name) => Array.from(tensor(name).data, Number),
    parameters(prefix) {
      const entries = [...parameterShapes(config)].map(([name, shape]) => {
        const found = tensor(`${prefix}/${name}`);
        if (String(found.shape) !== String(shape)) {
          throw new InputError(
            `${file}: tensor ${prefix}/${name} is [${found.shape}], but its meta asks for [${shape}]`,
          );
        }
        return [name, { shape, data: Float32Array.from(found.data, Number) }] as const;
      });
      return new Map(entries);
    },
  };
}

function readMeta({ metadata }: TensorFile, file: string): FixtureMeta {
  if (metadata.meta === undefined)
    throw new InputError(`${file}: its metadata has no meta, so it is no parity fixture`);
  const meta = parseJson(metadata.meta, `${file}: meta`) as FixtureMeta;
  checkSchema(meta, META, `${file}: meta`, 'name a parity fixture');
  if (meta.layer_norm_eps !== 1e-5)
    throw new InputError(`${file}: meta.layer_norm_eps is ${meta.layer_norm_eps}; this model has 1e-5`);
  const { betas, eps, weight_decay } = meta.adam;
  if (String(betas) !== '0.9,0.999' || eps !== 1e-8 || weight_decay !== 0) {
    throw new InputError(
      `${file}: meta.adam is ${JSON.stringify(meta.adam)}; this Adam has betas 0.9 and 0.999, eps 1e-8, no weight decay`,
    );
  }
  return meta;
}
