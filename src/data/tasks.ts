import { concat } from '../base/concat.js';
import { historyBatch, layEndToEnd, type Task } from './batches.js';

/** Each token predicts the next item: of a user's last S + 1 items, all but the last are inputs, and all but the first are their targets. */
export const nextItem: Task = {
  tokens: (length, window) => Math.min(Math.max(0, length - 1), window),

  training(train, users, window) {
    const rows = Array.from(users, (user) => train.tail(user, window + 1));
    const targets = rows.map((row) => row.subarray(1));
    return { ...layEndToEnd(rows.map((row) => row.subarray(0, -1))), targets: concat(targets) };
  },

  query: (histories, window) => historyBatch(histories.map((history) => history.subarray(-window))),
};
