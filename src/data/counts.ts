import type { Dataset } from './dataset.js';

/** [N+1] how often each item occurs in training; entry 0 is unused. */
export function countItems({ numItems, train }: Dataset): Float64Array {
  const counts = new Float64Array(numItems + 1);
  for (const item of train.items) counts[item]++;
  return counts;
}
