import type { Recommendation } from '../infer/answers.js';
import { reasonsIn } from '../infer/influence.js';
import type { History } from '../infer/recommender.js';
import type { ItemNames } from '../store/titles.js';
import { alignColumns } from './output.js';

export interface RecommendationRow {
  rank: number;
  item: number;
  original_id?: string;
  score: number;
  probability?: number;
  category?: string;
  title?: string;
}

/** A row with what raised or lowered its score, the most raising first. */
interface ExplainedRow extends RecommendationRow {
  why?: NamedReason[];
}

/** An item of the history and how much it changed the score. */
interface NamedReason {
  item: number;
  original_id?: string;
  title?: string;
  change: number;
}

/** A list of items with their ranks and names. */
export function namedRows(list: readonly Recommendation[], names: ItemNames): RecommendationRow[] {
  return list.map(({ item, ...scores }, i) => {
    const [original, title, category] = [
      names.originals.get(item),
      names.titles.get(item),
      names.categories?.get(item),
    ];
    return {
      ...{ rank: i + 1, item, ...(original !== undefined && { original_id: original }), ...scores },
      ...(category !== undefined && { category }),
      ...(title !== undefined && { title }),
    };
  });
}

/** Adds what the items of the history did to each row's score. @param changes for each row, from `influence` */
export function withReasons(
  rows: readonly RecommendationRow[],
  changes: readonly Float64Array[],
  history: History,
  { originals, titles }: ItemNames,
): ExplainedRow[] {
  return rows.map((row, i) => {
    const why = reasonsIn(changes[i]).map(({ place, change }) => {
      const item = history[place];
      const [original, title] = [originals.get(item), titles.get(item)];
      return {
        ...{ item, ...(original !== undefined && { original_id: original }), ...(title !== undefined && { title }) },
        change,
      };
    });
    return { ...row, why };
  });
}

/** How many items of the history a table names as reasons. */
const MOST_REASONS = 3;

/** Columns without values are left out. */
export function recommendationTable(rows: readonly ExplainedRow[]): string {
  const shown = (['rank', 'item', 'original_id', 'score', 'probability', 'category', 'title', 'why'] as const).filter(
    (name) => rows.some((row) => row[name] !== undefined),
  );
  const cell = (row: ExplainedRow, name: (typeof shown)[number]) => {
    if (name === 'why') return raisedBy(row.why ?? []);
    const value = row[name];
    return typeof value === 'number' && (name === 'score' || name === 'probability')
      ? value.toFixed(4)
      : String(value ?? '');
  };
  const cells = rows.map((row) => shown.map((name) => cell(row, name)));
  return alignColumns([shown, ...cells], [shown.indexOf('category'), shown.indexOf('title'), shown.indexOf('why')]);
}

function raisedBy(why: readonly NamedReason[]): string {
  const raising = why.filter(({ change }) => change > 0).slice(0, MOST_REASONS);
  const shown = raising.map((one) => `${one.title ?? one.original_id ?? `#${one.item}`} +${one.change.toFixed(2)}`);
  return shown.join('; ');
}
