import type { Gpu } from '../engine/gpu.js';
import type { Dropout } from '../engine/random.js';
import { Stream } from '../engine/stream.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { embed } from '../kernels/embedding/index.js';
import { layerNorm } from '../kernels/layer_norm/index.js';
import { sampledGbce } from '../kernels/score/sampled_gbce/index.js';
import { type BlockDropouts, type LastTokens, transformerBlock } from './block.js';
import type { ModelConfig } from './config.js';
import type { HostParameters } from './parameters.js';
import { checkTables } from './tables.js';

/** The sequences of a batch on the GPU, laid end to end without padding. */
export interface SequenceTensors {
  /** [T] item ids */
  ids: Tensor;
  /** [T, 2] for each token the half-open range of its sequence's tokens */
  spans: Tensor;
}

/** What the hidden states of a batch are trained to score. */
export interface LossOptions {
  /** [T] the item that follows each token */
  targets: Tensor;
  /** gBCE's exponent of the positive's probability, see gbceBeta. */
  beta: number;
  /** k, drawn on the GPU; or the ids themselves, [T, k]. */
  negatives: number | Tensor;
  dropoutRate?: number;
}

/** Dropout sites: 0 belongs to the negatives, 1 to the embedding, then three a block. */
const EMBEDDING_SITE = 1;

/**
 * gSASRec (Petrov and Macdonald, RecSys 2023): SASRec's decoder (Kang and McAuley, ICDM 2018) over a window of the latest items, its
 * parameters named and shaped as in the official PyTorch port.
 */
export class GSASRec {
  /** By official name, in state-dict order. */
  readonly parameters: ReadonlyMap<string, Tensor>;

  /** @throws OutOfMemoryError where the adapter can bind no table of all items */
  constructor(
    readonly stream: Stream,
    readonly config: ModelConfig,
    parameters: HostParameters,
  ) {
    checkTables(stream.gpu, config);
    this.parameters = new Map(
      [...parameters].map(([name, { shape, data }]) => [name, stream.upload(data, shape, { requiresGrad: true })]),
    );
  }

  /**
   * The model of a checkpoint, on a stream of its own. Several share a device without knowing of each other.
   * @throws OutOfMemoryError where the adapter can bind no table of all items
   */
  static on(gpu: Gpu, { config, weights }: { config: ModelConfig; weights: HostParameters }): GSASRec {
    return new GSASRec(new Stream(gpu), config, weights);
  }

  /** [N + 2, D], the table that scores are taken with. */
  get outputTable(): Tensor {
    return this.#parameter(this.config.reuse_item_embeddings ? 'item_embedding.weight' : 'output_embedding.weight');
  }

  /** The tables with a row for each item: one where the input table is reused, else two. */
  get itemTables(): Set<Tensor> {
    return new Set([this.#parameter('item_embedding.weight'), this.outputTable]);
  }

  /**
   * What the model makes of every token.
   * @param dropoutRate 0 outside training
   * @param last only these tokens go through the last block, which no later one needs the others of; forward only
   * @returns [T, D], with `last` [Q, D]; the scores of the next item are its dot products with `outputTable`
   */
  hidden(tape: Tape, { ids, spans }: SequenceTensors, dropoutRate = 0, last?: LastTokens): Tensor {
    const { num_blocks, num_heads } = this.config;
    const dropout = (site: number): Dropout => ({ rate: dropoutRate, site });
    const active = dropoutRate > 0;
    this.stream.phase = 'embedding';
    let x = embed(
      tape,
      this.#parameter('item_embedding.weight'),
      this.#parameter('position_embedding.weight'),
      ids,
      spans,
      active ? { dropout: dropout(EMBEDDING_SITE) } : {},
    );
    this.stream.phase = 'forward';
    for (let i = 0; i < num_blocks; i++) {
      const site = EMBEDDING_SITE + 1 + 3 * i;
      const dropouts: BlockDropouts = {
        attention: dropout(site),
        dense1: dropout(site + 1),
        dense2: dropout(site + 2),
      };
      const parameter = (name: string) => this.#parameter(`transformer_blocks.${i}.${name}`);
      const queries = i === num_blocks - 1 ? last : undefined;
      x = transformerBlock(tape, x, spans, parameter, num_heads, active ? dropouts : undefined, queries);
    }
    return layerNorm(tape, x, this.#parameter('seq_norm.weight'), this.#parameter('seq_norm.bias'));
  }

  /** The mean gBCE loss over all tokens of a batch, a single number [1]: the root of the backward. */
  loss(tape: Tape, batch: SequenceTensors, { targets, beta, negatives, dropoutRate = 0 }: LossOptions): Tensor {
    const h = this.hidden(tape, batch, dropoutRate);
    this.stream.phase = 'loss';
    return sampledGbce(tape, h, this.outputTable, targets, { beta, negatives, numItems: this.config.num_items });
  }

  /** Gives the parameters' memory back. The model is not to be used afterwards. */
  release(): void {
    for (const tensor of this.parameters.values()) this.stream.release(tensor);
  }

  #parameter(name: string): Tensor {
    return this.parameters.get(name)!;
  }
}
