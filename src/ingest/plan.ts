import type { Database } from './database.js';
import type { ImportOptions } from './options.js';
import { asGiven, byTime, drawValUsers, leaveOneOut, SHORTEST_DRAWN, type Splitter } from './splits.js';
import { findPeriods, say, type TimeKind } from './times.js';

/** The official code's. */
const VAL_SEED = 42;

/** A plan for the split: what each interaction is marked with, which ones train, and how a user's interactions are cut. */
export interface Plan {
  readonly mark: 'time' | 'part';
  /** SQL. */
  readonly training: string;
  readonly unseenItems: 'keep' | 'drop';
  readonly split: string;
  /** Made when users have their ids. */
  splitter(): Promise<Splitter>;
}

/** The plan that the options ask for. @throws InputError as `findPeriods` */
export async function planSplit(db: Database, times: TimeKind, options: ImportOptions): Promise<Plan> {
  const { split = 'leave-one-out', testFrom, valFrom, valUsers, valSeed = VAL_SEED, timeFormat, unseenItems } = options;
  if (split === 'time') {
    const periods = await findPeriods(db, times, { testFrom: testFrom!, valFrom, timeFormat });
    return {
      mark: 'time',
      training: `time < ${periods.valFrom}`,
      unseenItems: unseenItems ?? 'drop',
      split: `by time: training before ${say(periods.valFrom, times)}, validation before ${say(periods.testFrom, times)}, then test`,
      splitter: async () => byTime(periods.valFrom, periods.testFrom),
    };
  }
  if (split === 'given')
    return {
      mark: 'part',
      training: 'part = 0',
      unseenItems: unseenItems ?? 'keep',
      split: 'as given',
      splitter: async () => asGiven,
    };
  const drawn = valUsers === undefined ? '' : `, ${valUsers} validation users drawn with seed ${valSeed}`;
  return {
    mark: 'part',
    training: 'true',
    unseenItems: 'keep',
    split: `leave-one-out${drawn}`,
    splitter: async () =>
      leaveOneOut(valUsers === undefined ? undefined : drawValUsers(await longUsers(db), valUsers, valSeed)),
  };
}

/** Ids of the users that may be drawn for validation. */
async function longUsers(db: Database): Promise<Uint32Array> {
  const ids: number[] = [];
  const sql = `SELECT id FROM user_ids WHERE number IN (SELECT user FROM events GROUP BY user HAVING count(*) >= ${SHORTEST_DRAWN}) ORDER BY id`;
  for await (const chunk of db.stream(sql)) for (const id of chunk.getColumnValues(0)) ids.push(Number(id));
  return Uint32Array.from(ids);
}
