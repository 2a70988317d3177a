import { concat } from '../base/concat.js';
import { philox4x32 } from '../base/philox.js';
import { historyBatch, layEndToEnd, type Task } from './batches.js';

/** Each token predicts the next item: of a user's last S + 1 items, all but the last are inputs, and all but the first are their targets. */
export const nextItem: Task = {
  tokens: (length, window) => Math.min(Math.max(0, length - 1), window),

  training(train, users, window) {
    const rows = Array.from(users, (user) => train.tail(user, window + 1));
    const targets = rows.map((row) => row.subarray(1));
    return { ...layEndToEnd(rows.map((row) => row.subarray(0, -1))), targets: concat(targets) };
  },

  known: (window) => window,

  query: (histories, window) => historyBatch(histories.map((history) => history.subarray(-window))),
};

/** The last word of the counter, by which masks draw nothing that the GPU or `HostRandom` draws. */
const MASKS = 2 ** 31;

/**
 * The cloze task of BERT4Rec (Sun et al., CIKM 2019, section 3.6): some items of a user's last S are masked, and each is predicted from all others. Where the draw
 * masks no item of a sequence, its last one is masked. The next item is predicted by a mask after the last S - 1 items.
 * @param mask the id that masks
 * @param rate the share of items that are masked
 */
export function cloze({ mask, rate }: { mask: number; rate: number }): Task {
  const threshold = rate * 2 ** 32;
  return {
    mask,
    weighted: true,

    tokens: (length, window) => (length < 2 ? 0 : Math.min(length, window)),

    training(train, users, window, { seed, epoch }) {
      const batch = layEndToEnd(Array.from(users, (user) => train.tail(user, window)));
      const weights = new Float32Array(batch.tokens);
      let start = 0;
      for (const user of users) {
        const row = weights.subarray(start, batch.spans[2 * start + 1]);
        for (let i = 0; i < row.length; i += 4) {
          const words = philox4x32([i / 4, user, 0, MASKS], [seed, epoch]);
          for (let j = i; j < Math.min(i + 4, row.length); j++) row[j] = words[j - i] < threshold ? 1 : 0;
        }
        if (row.every((weight) => weight === 0)) row[row.length - 1] = 1;
        start += row.length;
      }
      return { ...batch, ids: batch.ids.map((id, t) => (weights[t] > 0 ? mask : id)), targets: batch.ids, weights };
    },

    known: (window) => window - 1,

    query: (histories, window) =>
      historyBatch(histories.map((history) => concat([history.subarray(-(window - 1)), Uint32Array.of(mask)]))),
  };
}
