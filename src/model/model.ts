import { GsasError } from '../base/errors.js';
import type { Task } from '../data/batches.js';
import type { Gpu } from '../engine/gpu.js';
import { Stream } from '../engine/stream.js';
import { type Table, tableOf } from '../engine/table.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { type Scored, scored } from '../kernels/score/similarity.js';
import type { Architecture, EncodeOptions, LastTokens, ModelConfig, Network, SequenceTensors } from './architecture.js';
import type { HostParameters } from './parameters.js';
import { architectureOf } from './registry.js';
import { checkTables } from './tables.js';

/** A model on the GPU, of any architecture. */
export class Model implements Network {
  readonly architecture: Architecture;
  /** What it learns from sequences. */
  readonly task: Task;
  /** By name, in state-dict order. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Parameters with a row for each item or user, whose gradients are kept by rows. */
  readonly tables: ReadonlySet<Tensor>;
  #released = false;

  /**
   * @param weights by the names that the architecture declares
   * @throws OutOfMemoryError if the adapter cannot bind a table of all items; GsasError if a weight is missing or of another size
   */
  constructor(
    readonly stream: Stream,
    readonly config: ModelConfig,
    weights: HostParameters,
  ) {
    checkTables(stream.gpu, config);
    this.architecture = architectureOf(config);
    this.task = this.architecture.task(config);
    const specs = [...this.architecture.parameters(config)];
    const upload = ([name, { shape }]: (typeof specs)[number]) => {
      const found = weights.get(name);
      if (!found) throw new GsasError(`the weights have no ${name}, which a model ${config.model} has as [${shape}]`);
      return [name, stream.upload(found.data, shape, { requiresGrad: true })] as const;
    };
    this.parameters = stream.during('parameters', () => stream.scope(() => new Map(specs.map(upload))));
    const isTable = ([, { rows }]: (typeof specs)[number]) => rows === 'items' || rows === 'users';
    this.tables = new Set(specs.filter(isTable).map(([name]) => this.parameter(name)));
  }

  /**
   * The model of a checkpoint, on a stream of its own. Several can share a device independently.
   * @throws OutOfMemoryError if the adapter cannot bind a table of all items
   */
  static on(gpu: Gpu, { config, weights }: { config: ModelConfig; weights: HostParameters }): Model {
    return new Model(new Stream(gpu), config, weights);
  }

  /** [N + 2, D], the table that `scored` makes scores of. @throws GsasError after `release` */
  get outputTable(): Table {
    return tableOf(this.parameter(this.architecture.outputTable(this.config)));
  }

  /**
   * The hidden state of every token; the `scored` makes scores of it.
   * @returns [T, D], with `last` [Q, D]
   */
  encode(tape: Tape, batch: SequenceTensors, { dropoutRate = 0, last }: Partial<EncodeOptions> = {}): Tensor {
    return this.architecture.encode(tape, this, batch, { dropoutRate, last });
  }

  /** Hidden states [T, D] and the output table with the model's similarity and temperature worked in: scores are their dot products. */
  scored(tape: Tape, h: Tensor): Scored {
    return scored(tape, h, this.outputTable, this.config);
  }

  /** How much each token counts for its sequence's last one, see `Architecture.attention`; undefined if the architecture cannot tell. */
  get attention(): ((tape: Tape, batch: SequenceTensors, last: LastTokens) => Tensor) | undefined {
    const { architecture } = this;
    return architecture.attention && ((tape, batch, last) => architecture.attention!(tape, this, batch, last));
  }

  /** A parameter by its name. @throws GsasError after `release` */
  parameter = (name: string): Tensor => {
    if (this.#released) throw new GsasError('this model was released; load its checkpoint again to go on using it');
    return this.parameters.get(name)!;
  };

  /** Gives the parameters' memory back. Later calls throw a GsasError, except another `release`, which does nothing. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const tensor of this.parameters.values()) this.stream.release(tensor);
  }
}
