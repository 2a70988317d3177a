import { countItems } from '../data/counts.js';
import type { Dataset } from '../data/dataset.js';
import { type Column, type Row, writeTable } from '../store/table.js';
import type { Named } from './evaluation-output.js';

/**
 * Writes a row for each evaluation and target: the line of the split, its user if known, the length of the history, the target and its popularity in
 * training, its rank (none if it is not found), and what the user contributes to every metric.
 */
export async function writePerUser(
  file: string,
  evaluations: readonly Named[],
  dataset: Dataset,
  split: 'val' | 'test',
  userOf: readonly string[] | undefined,
): Promise<void> {
  const { inputs, targets } = dataset[split];
  const counts = countItems(dataset);
  const names = [...evaluations[0].evaluation.values.keys()];
  const columns: Column[] = [
    { name: 'name', type: 'VARCHAR' },
    { name: 'line', type: 'UINTEGER' },
    ...(userOf ? [{ name: 'user', type: 'VARCHAR' } as const] : []),
    ...['length', 'target', 'target_popularity', 'rank'].map((name) => ({ name, type: 'UINTEGER' }) as const),
    ...names.map((name) => ({ name, type: 'DOUBLE' }) as const),
  ];
  const rows = function* () {
    for (const { name, evaluation } of evaluations) {
      const { ranks } = evaluation.ranking;
      yield Array.from(targets, (target, line): Row => {
        const rank = Number.isFinite(ranks[line]) ? ranks[line] : null;
        const values = names.map((metric) => evaluation.values.get(metric)![line]);
        const user = userOf ? [userOf[line]] : [];
        return [name, line + 1, ...user, inputs.lengthOf(line), target, counts[target], rank, ...values];
      });
    }
  };
  await writeTable(file, columns, rows());
}
