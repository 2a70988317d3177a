import { InputError } from '../base/errors.js';
import { HostRandom } from '../base/philox.js';
import type { RowRole } from '../model/architecture.js';
import { parameterSpecs } from '../model/config.js';
import type { HostParameter, HostParameters } from '../model/parameters.js';
import type { Checkpoint } from './checkpoint.js';
import { optionTable, type TrainConfig, type TrainOptions } from './config.js';

/** The options that a run takes over from the checkpoint that it starts from, unless it is given others: all but the limits, which say when to stop. */
export function inheritedOptions({ config }: Checkpoint): Partial<TrainOptions> {
  const inherited = Object.entries(optionTable(config.model)).filter(([, { limit }]) => !limit);
  return Object.fromEntries(inherited.map(([key]) => [key, config[key as keyof TrainOptions]]));
}

/**
 * What becomes of the items of a checkpoint, in a sentence for a person.
 * @param numberOf see `warmStart`
 * @throws InputError where none of them is there any more
 */
export function carriedOver(
  { config, step }: Checkpoint,
  numItems: number,
  numberOf: (item: number) => number | undefined = (item) => item,
): string {
  const known = config.num_items;
  let kept = 0;
  for (let item = 1; item <= known; item++) if ((numberOf(item) ?? numItems + 1) <= numItems) kept++;
  if (kept === 0)
    throw new InputError(
      'init-from: not one of its items is in this data; leave it out, or name data of the same shop',
    );
  const n = (count: number) => count.toLocaleString('en-US');
  return (
    `starts from the weights of step ${n(step)}: ${n(kept)} of their ${n(known)} items carry over, ` +
    `${n(known - kept)} are gone, ${n(numItems - kept)} are new; options that are not given are theirs`
  );
}

/**
 * Parameters for a catalogue that may have grown, from a trained checkpoint. Known items keep their vectors. New ones are drawn from a normal
 * distribution with the mean and the standard deviation of the known ones in each column, so that they start as ordinary items. Positions count from the
 * end of the window, where the latest item is, so a longer or shorter window keeps the positions that both have; positions further back are drawn
 * like new items.
 * @param source what an InputError names
 * @param numberOf the number that an item of the checkpoint has now, if it still exists; if left out, all items have kept their numbers
 * @throws InputError if the model has another shape, or items must have kept their numbers but there are fewer of them now
 */
export function warmStart(
  from: Checkpoint,
  config: TrainConfig,
  source: string,
  numberOf?: (item: number) => number | undefined,
): HostParameters {
  for (const [name, { fixed }] of Object.entries(optionTable(from.config.model))) {
    const key = name as keyof TrainOptions;
    if (fixed && from.config[key] !== config[key])
      throw new InputError(
        `${source}: its ${key} is ${from.config[key]}, but ${config[key]} was asked for; leave it out to start from this checkpoint`,
      );
  }
  const [known, items] = [from.config.num_items, config.num_items];
  if (items < known && !numberOf)
    throw new InputError(
      `${source}: knows ${known} items, but the data has ${items}; give data in which the old items keep their numbers, or that was imported with its ids`,
    );
  const itemRow = (row: number) => {
    if (row === 0) return 0;
    if (row > known) return items + 1; // the padding's
    return numberOf ? numberOf(row) : row;
  };
  const shift = config.sequence_length - from.config.sequence_length;
  const places: Record<RowRole, (row: number) => number | undefined> = {
    items: itemRow,
    positions: (row) => row + shift,
    users: () => undefined,
  };
  const parameters = new Map<string, HostParameter>();
  for (const [name, { shape, rows }] of parameterSpecs(config)) {
    const old = from.weights.get(name)!;
    const random = new HostRandom(config.seed, parameters.size);
    const data = rows ? moveRows(old, shape[0], places[rows], random) : old.data.slice();
    parameters.set(name, { shape, data });
  }
  return parameters;
}

/** A table of `rows` rows: row r of `old` goes to `place(r)`, if that row exists, and the others are drawn. */
function moveRows(
  old: HostParameter,
  rows: number,
  place: (row: number) => number | undefined,
  random: HostRandom,
): Float32Array {
  const [count, D] = old.shape as [number, number];
  const data = new Float32Array(rows * D).fill(Number.NaN);
  for (let row = 0; row < count; row++) {
    const to = place(row);
    if (to !== undefined && to >= 0) data.set(old.data.subarray(row * D, (row + 1) * D), to * D);
  }
  const columns = Array.from({ length: D }, (_, d) => spread(old.data, d, D));
  for (let i = 0; i < data.length; i++) {
    const { mean, deviation } = columns[i % D];
    if (Number.isNaN(data[i])) data[i] = mean + deviation * random.normal();
  }
  return data;
}

/** Mean and standard deviation of column d. */
function spread(data: Float32Array, d: number, D: number): { mean: number; deviation: number } {
  const rows = data.length / D;
  let sum = 0;
  let squares = 0;
  for (let i = d; i < data.length; i += D) {
    sum += data[i];
    squares += data[i] ** 2;
  }
  const mean = sum / rows;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / rows - mean ** 2)) };
}
