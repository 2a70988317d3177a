import type { Recommendation } from '../infer/answers.js';
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

/** Columns without values are left out. */
export function recommendationTable(rows: readonly RecommendationRow[]): string {
  const shown = (['rank', 'item', 'original_id', 'score', 'probability', 'category', 'title'] as const).filter((name) =>
    rows.some((row) => row[name] !== undefined),
  );
  const cell = (value: string | number | undefined, name: string) =>
    typeof value === 'number' && (name === 'score' || name === 'probability') ? value.toFixed(4) : String(value ?? '');
  const cells = rows.map((row) => shown.map((name) => cell(row[name], name)));
  return alignColumns([shown, ...cells], [shown.indexOf('category'), shown.indexOf('title')]);
}
