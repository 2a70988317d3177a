import { type Command, Option } from 'commander';
import { InputError } from '../base/errors.js';
import { Sequences } from '../data/dataset.js';
import { influence } from '../infer/influence.js';
import type { TopOptions } from '../infer/recommender.js';
import type { ItemFinder } from '../store/find.js';
import { userNames } from '../store/names.js';
import { checkCatalogue, openSource, recallSource } from '../store/source.js';
import { checkTableFile } from '../store/table.js';
import { type KnownUsers, knownUsers } from '../store/users.js';
import { parsePath } from './arguments.js';
import { readItems } from './items.js';
import { type ListFlags, listOptions, takeListFlags, tell } from './list-flags.js';
import { printJson } from './output.js';
import { recommendToFile, type TableUsers } from './recommend-users.js';
import { namedRows, recommendationTable, withReasons } from './recommendations.js';
import { type Chosen, type SubjectFlags, subjectOf, takeSubject, withDevice } from './subject.js';

interface Flags extends SubjectFlags, ListFlags {
  history?: string[];
  user?: string[];
  allUsers?: true;
  split?: 'train' | 'val' | 'test';
  out?: string;
  filterSeen?: boolean;
  why?: true;
  json?: true;
}

/** What every recommendation needs. */
interface Setting extends Chosen {
  /** The folder of a run, or a checkpoint; undefined for a baseline. */
  readonly run: string | undefined;
  readonly finder: ItemFinder;
  readonly options: TopOptions;
}

/** How many items of the history are named above the answer. */
const MOST_ECHOED = 5;

const MODES = ['history', 'user', 'allUsers', 'split'] as const;

export function addRecommend(program: Command): void {
  const command = program
    .command('recommend')
    .description('the items that a model expects next: after a history, or for users of the data');
  takeSubject(command, 'dataset in the official layout (default: the one the run was trained on)')
    .option(
      '--history <items...>',
      'ids or titles, oldest first: "12 7 301" or "toy story; matrix"; #12 is item 12 where ids are others; @FILE has one a line',
    )
    .option(
      '--user <ids...>',
      'users of the data, by their ids in the log: after all that they did, last items included',
    )
    .option('--all-users', 'every user of the data, after all that they did, into --out')
    .addOption(
      new Option('--split <name>', 'all users of it, after what is not held out, into --out').choices([
        'train',
        'val',
        'test',
      ]),
    )
    .option('--out <file>', 'for many users: a row a user and item, as .csv, .parquet or .jsonl', parsePath)
    .option('--filter-seen', "leave out the items of the history (default: the run's filter_rated)")
    .option('--no-filter-seen', 'recommend them too');
  takeListFlags(command)
    .option('--why', 'which items of the history raised the score of each: how much lower it is without them')
    .option('--json', 'one JSON object an item')
    .action(runRecommend);
}

async function runRecommend(run: string | undefined, flags: Flags): Promise<void> {
  if (MODES.filter((mode) => flags[mode] !== undefined).length !== 1) {
    throw new InputError(
      'say for whom: either --history <items...>, --user <ids...>, --all-users with --out FILE, or --split <name> with --out FILE',
    );
  }
  const intoFile = flags.split !== undefined || flags.allUsers !== undefined;
  if (intoFile && flags.out === undefined) {
    const mode = flags.split === undefined ? '--all-users' : '--split';
    throw new InputError(`${mode} and --out go together: name the file for the recommendations`);
  }
  if (!intoFile && flags.out !== undefined) {
    throw new InputError('--out goes with --all-users or --split, whose recommendations are written to a file');
  }
  if (intoFile && flags.why) throw new InputError('--why goes with --history or --user; leave it out');
  if (flags.out) checkTableFile(flags.out);
  const chosen = subjectOf(run, flags);
  const { finder, options } = listOptions(run, chosen, flags);
  const filterRated = flags.filterSeen ?? chosen.subject.filterRated;
  const setting: Setting = { ...chosen, run, finder, options: { ...options, filterRated } };
  if (flags.split) await recommendSplit(setting, flags.split, flags.out!);
  else if (flags.allUsers) await recommendAll(setting, flags.out!);
  else if (flags.user) await recommendUsers(setting, flags.user, flags);
  else {
    const history = readItems(finder, flags.history!, '--history', tell);
    if (history.length === 0)
      throw new InputError('--history: none of it is an item of this model; give ids or titles');
    await print(setting, [{ history }], flags);
  }
}

/** A history whose recommendations are printed. */
interface Person {
  /** The user's number, for baselines that know users. */
  readonly number?: number;
  readonly history: ArrayLike<number>;
  /** Left out if the history belongs to no user. */
  readonly user?: string;
}

async function print({ subject, finder, options }: Setting, people: readonly Person[], flags: Flags): Promise<void> {
  const { json, why } = flags;
  await withDevice(async (device) => {
    const recommender = await subject.recommender(device);
    const histories = people.map(({ history }) => history);
    const lists = await recommender.top(histories, { ...options, users: people.map(({ number }) => number) });
    for (const [i, { user, number, history }] of people.entries()) {
      let rows = namedRows(lists[i], finder.names);
      if (why && rows.length > 0) {
        if (history.length < 2) tell('--why: the history is a single item, which is the reason for all');
        else {
          const items = rows.map(({ item }) => item);
          const changes = await influence(recommender, history, items, { user: number });
          rows = withReasons(rows, changes, history, finder.names);
        }
      }
      if (rows.length === 0) {
        const whose = user === undefined ? '' : ` to user ${user}`;
        tell(`no item is left to recommend${whose}; --no-filter-seen ranks those of the history too`);
      } else if (json) for (const row of rows) printJson({ ...(user !== undefined && { user }), ...row });
      else {
        const latest = Array.from(history).slice(-MOST_ECHOED);
        const before = history.length > MOST_ECHOED ? `${history.length - MOST_ECHOED} items, ` : '';
        const after = `after ${before}${latest.map((item) => finder.describe(item)).join(', ')}`;
        const whose = user === undefined ? '' : `user ${user}, `;
        console.log(`${i > 0 ? '\n' : ''}${whose}${after}:\n\n${recommendationTable(rows)}`);
      }
    }
    if (!json && !recommender.probability && lists.some((list) => list.length > 0))
      console.log(`\n${recommender.meaning}`);
  });
}

async function recommendUsers(setting: Setting, ids: readonly string[], flags: Flags): Promise<void> {
  const users = usersOf(setting);
  const people = ids.flatMap((id): Person[] => {
    const user = users.find(id);
    if (users.histories.lengthOf(user) > 0)
      return [{ number: user, user: users.nameOf(user), history: users.histories.at(user) }];
    tell(`user ${users.nameOf(user)} has no item that the model knows`);
    return [];
  });
  if (people.length === 0) throw new InputError('--user: nobody of them has an item that the model knows');
  await print(setting, people, flags);
}

async function recommendAll(setting: Setting, file: string): Promise<void> {
  const all = usersOf(setting);
  const known = Array.from({ length: all.count }, (_, user) => user).filter((user) => all.histories.lengthOf(user) > 0);
  const users: TableUsers = {
    histories: known.length === all.count ? all.histories : Sequences.from(known.map((user) => all.histories.at(user))),
    lines: known.map((user) => user + 1),
    ids: all.ids && known.map((user) => all.nameOf(user)),
  };
  const strangers = all.count - known.length;
  if (strangers > 0) tell(`${strangers} of ${all.count} users have no item that the model knows and are left out`);
  const options = { ...setting.options, users: known };
  await write({ ...setting, options }, users, file, `${n(known.length)} users, after all that they did`);
}

async function recommendSplit(setting: Setting, split: 'train' | 'val' | 'test', file: string): Promise<void> {
  const { subject } = setting;
  const folder = folderOf(setting);
  const { dataset } = openSource(folder);
  checkCatalogue(subject.label, subject.numItems, dataset);
  const histories = split === 'train' ? dataset.train : dataset[split].inputs;
  const lines = Uint32Array.from({ length: histories.count }, (_, line) => line + 1);
  const users = split === 'train' ? lines.map((line) => line - 1) : dataset[split].users;
  if (histories.count === 0)
    throw new InputError(`the ${split} split of ${dataset.name} is empty; choose another --split`);
  const table = { histories, lines, ids: userNames(folder, split, histories.count) };
  const options = { ...setting.options, ...(users && { users }) };
  await write({ ...setting, options }, table, file, `the ${n(histories.count)} users of the ${split} split`);
}

async function write(
  { subject, finder, options }: Setting,
  users: TableUsers,
  file: string,
  whom: string,
): Promise<void> {
  await withDevice(async (device) => {
    const recommender = await subject.recommender(device);
    const rows = await recommendToFile(file, recommender, users, finder.names, options);
    console.log(`${file}: ${n(rows)} recommendations for ${whom}`);
    if (!recommender.probability) console.log(recommender.meaning);
  });
}

function usersOf(setting: Setting): KnownUsers {
  const { subject, finder } = setting;
  return knownUsers(folderOf(setting), { label: subject.label, numItems: subject.numItems, names: finder.names });
}

/** Says what is missing if the data is unknown. */
function folderOf({ folder, run }: Setting): string | null {
  return folder === undefined ? recallSource(run!) : folder;
}

function n(value: number): string {
  return value.toLocaleString('en-US');
}
