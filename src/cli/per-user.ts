import { countItems } from '../data/baselines.js';
import type { Dataset } from '../data/dataset.js';
import { type Column, type Row, writeTable } from '../data/table.js';
import type { Named } from './evaluation-output.js';

/**
 * Writes a row for each evaluation and user: the line of the split, the length of the history, the target and its popularity in training,
 * its rank (none where it is not found), and what the user contributes to every metric.
 */
export async function writePerUser(
  file: string,
  evaluations: readonly Named[],
  dataset: Dataset,
  split: 'val' | 'test',
): Promise<void> {
  const { inputs, targets } = dataset[split];
  const counts = countItems(dataset);
  const names = [...evaluations[0]!.evaluation.values.keys()];
  const columns: Column[] = [
    { name: 'name', type: 'VARCHAR' },
    ...['line', 'length', 'target', 'target_popularity', 'rank'].map((name) => ({ name, type: 'UINTEGER' }) as const),
    ...names.map((name) => ({ name, type: 'DOUBLE' }) as const),
  ];
  const rows = function* () {
    for (const { name, evaluation } of evaluations) {
      const { ranks } = evaluation.ranking;
      yield Array.from(targets, (target, user): Row => {
        const rank = Number.isFinite(ranks[user]) ? ranks[user]! : null;
        const values = names.map((metric) => evaluation.values.get(metric)![user]!);
        return [name, user + 1, inputs.lengthOf(user), target, counts[target]!, rank, ...values];
      });
    }
  };
  await writeTable(file, columns, rows());
}
