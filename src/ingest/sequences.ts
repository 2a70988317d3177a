import { InputError } from '../base/errors.js';
import type { Ties } from '../data/stats.js';
import { PARTS } from '../store/dataset-files.js';
import type { Database } from './database.js';
import type { Plan } from './plan.js';
import { LayoutWriter } from './writer.js';

/**
 * Streams all interactions, sorted on disk if memory is short, into the layout's files.
 * @param timed whether the interactions have times
 */
export async function writeSequences(db: Database, dir: string, numItems: number, plan: Plan, timed: boolean) {
  const { mark, splitter } = plan;
  const split = await splitter();
  const writer = new LayoutWriter(dir, numItems);
  try {
    let items = new Uint32Array(1024);
    let marks = new Float64Array(1024);
    let times = new Float64Array(1024);
    let user = 0;
    let length = 0;
    const ties = { interactions: 0, testTargets: 0 };
    const finishUser = () => {
      if (length === 0) return;
      const cuts = split(user, marks, length);
      writer.add(user, items.subarray(0, length), cuts);
      for (let i = 0; i < length; i++) {
        if ((i === 0 || times[i] !== times[i - 1]) && (i === length - 1 || times[i] !== times[i + 1])) continue;
        ties.interactions++;
        if (i >= cuts.test[0] && i < cuts.test[1]) ties.testTargets++;
      }
    };
    for await (const chunk of db.stream(
      `SELECT user_ids.id, item_ids.id, ${mark}::DOUBLE, time FROM events
       JOIN user_ids ON events.user = user_ids.number JOIN item_ids ON events.item = item_ids.number
       ORDER BY user_ids.id, part, time, position`,
    )) {
      const [users, ids, values, moments] = [0, 1, 2, 3].map((column) => numbers(chunk.getColumnVector(column)));
      for (let row = 0; row < chunk.rowCount; row++) {
        if (users[row] !== user) {
          finishUser();
          user = users[row];
          length = 0;
        }
        if (length === items.length) {
          items = grow(items, new Uint32Array(2 * length));
          marks = grow(marks, new Float64Array(2 * length));
          times = grow(times, new Float64Array(2 * length));
        }
        items[length] = ids[row];
        times[length] = moments[row];
        marks[length++] = values[row];
      }
    }
    finishUser();
    const written = writer.finish();
    for (const part of PARTS)
      if (written[part].lines === 0)
        throw new InputError(
          `the ${part} part is empty: no user has an interaction there with something before it; ${WAY_OUT[part]}`,
        );
    return { ...written, ties: timed ? (ties satisfies Ties) : null };
  } finally {
    writer.close();
  }
}

const WAY_OUT = {
  train: 'let training begin earlier, or filter less',
  val: 'users need three interactions, or in a split by time some before and some in the validation period',
  test: 'users need three interactions, or in a split by time some before and some in the test period',
};

type Numbers = Int32Array | Float64Array;

/** A fixed-size column's values as they are in memory. */
function numbers(vector: object): Numbers {
  return (vector as { items: Numbers }).items;
}

function grow<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
