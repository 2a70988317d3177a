import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { summarizeDataset } from '../data/dataset.js';
import { type DatasetStats, partStats, type Ties } from '../data/stats.js';
import { NOTES, STATS } from './dataset-files.js';
import { readDataset } from './layout.js';

/**
 * Counts a folder in the official layout.
 * @throws InputError as `readDataset`
 */
export function datasetStats(dir: string): DatasetStats {
  const dataset = readDataset(dir);
  const { num_users, num_interactions } = JSON.parse(readFileSync(join(dir, STATS), 'utf8'));
  const parts = partStats(dataset);
  const users = num_users ?? parts.train.lines;
  const interactions = num_interactions ?? summarizeDataset(dataset).interactions;
  const items = dataset.numItems;
  return { users, items, interactions, density: interactions / (users * items), ...parts, ties: readTies(dir) };
}

/** As counted by the import, since the layout has no times; null if the log had none, or no import made the dataset. @throws InputError for a damaged note */
export function readTies(dir: string): Ties | null {
  const notes = join(dir, NOTES);
  if (!existsSync(notes)) return null;
  try {
    return JSON.parse(readFileSync(notes, 'utf8')).stats.ties ?? null;
  } catch (error) {
    throw new InputError(`${notes} is not what an import writes there; move it away`, { cause: error });
  }
}
