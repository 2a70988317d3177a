import { type Choice, choiceOf, type Option, type Values } from '../../base/options.js';
import { Table } from '../../engine/table.js';
import type { Tape } from '../../engine/tape.js';
import type { Tensor } from '../../engine/tensor.js';
import { scaleRows } from '../scale_rows/index.js';

/** How a hidden state h and an item's row e of the output table make a score. */
export interface Similarity extends Choice {
  readonly formula: string;
  /** Rows count by their direction alone. */
  readonly unit: boolean;
}

/** Every similarity there is. */
export const SIMILARITIES: Readonly<Record<string, Similarity>> = {
  dot: { name: 'dot', help: 'their dot product', formula: 's = h . e / temperature', unit: false, options: {} },
  cosine: {
    name: 'cosine',
    help: 'the cosine of their angle, which wants a temperature far below 1',
    formula: 's = h . e / (|h| |e| temperature)',
    unit: true,
    options: {},
  },
};

/** The options of scores, which every model has. */
export const SCORE_OPTIONS = {
  similarity: { ...choiceOf('how a hidden state and an item make a score', SIMILARITIES, 'dot'), fixed: true },
  temperature: {
    type: 'number',
    default: 1,
    min: 1e-4,
    max: 1e4,
    fixed: true,
    help: 'what scores are divided by',
  },
} as const satisfies Record<string, Option>;

/** What a configuration says about scores; their defaults where it says nothing. */
export type ScoreConfig = Partial<Values<typeof SCORE_OPTIONS>>;

/** Whether rows count by their direction alone. */
export function isUnit({ similarity = SCORE_OPTIONS.similarity.default }: ScoreConfig): boolean {
  return SIMILARITIES[similarity].unit;
}

/** What scores are divided by. */
export function temperatureOf({ temperature = SCORE_OPTIONS.temperature.default }: ScoreConfig): number {
  return temperature;
}

/** Hidden states [T, D] and a table [N + 2, D] whose dot products are scores. */
export interface Scored {
  readonly h: Tensor;
  readonly table: Table;
}

/**
 * Works similarity and temperature into hidden states and rows, so that every kernel of dot products, and its gradient, serves them all: they pass through one
 * kernel more, rows only under the cosine. A dot product at temperature 1 leaves both as they are. Under the cosine a gradient reaches every row, so
 * the table's is dense.
 * @param h [T, D]
 */
export function scored(tape: Tape, h: Tensor, table: Table, config: ScoreConfig): Scored {
  return { h: scoredHidden(tape, h, config), table: isUnit(config) ? unitTable(tape, table) : table };
}

/** The hidden states alone, for a table that is made already. */
export function scoredHidden(tape: Tape, h: Tensor, config: ScoreConfig): Tensor {
  const [unit, temperature] = [isUnit(config), temperatureOf(config)];
  return unit || temperature !== 1 ? scaleRows(tape, h, { unit, scale: 1 / temperature }) : h;
}

/** Each row brought to length 1. */
export function unitTable(tape: Tape, table: Table): Table {
  return new Table(table.pages.map((page) => scaleRows(tape, page, { unit: true })));
}
