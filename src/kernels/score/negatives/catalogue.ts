import { scoreCatalogue } from '../catalogue/index.js';
import type { Negatives } from './negatives.js';

/** Every item but the target: nothing is sampled. */
export const catalogueNegatives = {
  name: 'catalogue',
  help: 'all items at once',
  options: {},
  count: (_, numItems) => numItems - 1,
  loss: (tape, h, table, targets, { verdict, numItems, scale }) =>
    scoreCatalogue(tape, h, table, targets, { verdict, numItems, ...(scale !== undefined && { scale }) }),
} as const satisfies Negatives;
