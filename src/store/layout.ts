import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { type Dataset, Sequences, type Split, summarizeDataset } from '../data/dataset.js';
import { STATS } from './dataset-files.js';
import { parseSequences, parseTargets } from './lines.js';
import { makeFolders } from './make-folders.js';
import { formatTitles } from './titles.js';

const MOST_USERS = 2 ** 32 - 2;

const LAYOUT = 'train/input.txt, val/ and test/{input,output}.txt, dataset_stats.json';

/**
 * Reads a folder in the layout of the official gSASRec-pytorch port: one user per line, ids separated by spaces, in train/input.txt and
 * {val,test}/input.txt; the next id in the same line of {val,test}/output.txt; num_items in dataset_stats.json. Both files of val or test are empty if no
 * user is held out. Titles are not part of it: see `readTitles`.
 * @throws InputError naming file, line and value
 */
export function readDataset(dir: string): Dataset {
  if (!existsSync(dir)) throw new InputError(`there is no folder ${dir}; name one that holds ${LAYOUT}`);
  if (!statSync(dir).isDirectory()) throw new InputError(`${dir} is not a folder; name one that holds ${LAYOUT}`);
  const numItems = readNumItems(join(dir, STATS));
  const trainFile = join(dir, 'train', 'input.txt');
  const train = parseSequences(readBytes(trainFile), trainFile, numItems);
  const [val, test] = ['val', 'test'].map((name) => readSplit(join(dir, name), numItems));
  const lineOf = new Map(userIds(dir, 'train', train.count)?.map((user, line) => [user, line]));
  const withUsers = (name: 'val' | 'test', split: Split): Split => {
    const users = lineOf.size > 0 && userIds(dir, name, split.targets.length);
    if (!users) return split;
    for (const user of users) if (!lineOf.has(user)) lineOf.set(user, lineOf.size);
    return { ...split, users: Uint32Array.from(users, (user) => lineOf.get(user)!) };
  };
  return { name: basename(resolve(dir)), numItems, train, val: withUsers('val', val), test: withUsers('test', test) };
}

/**
 * The users of a split's lines, as an import numbers them in users.txt. A user may have several lines: a ready-made split has one for each held-out
 * interaction.
 * @param count the number of the split's lines
 * @returns [count]; undefined if there is no such file
 * @throws InputError naming the file if it does not match these lines
 */
export function userIds(dir: string, split: 'train' | 'val' | 'test', count: number): number[] | undefined {
  const file = join(dir, split, 'users.txt');
  if (!existsSync(file)) return undefined;
  const bytes = readBytes(file);
  const users = bytes.length === 0 ? [] : Array.from(parseTargets(bytes, file, MOST_USERS));
  if (users.length === count) return users;
  throw new InputError(`${file} has ${users.length} users, but the split has ${count} lines; import it anew`);
}

/**
 * Writes the same layout, and items.csv if the dataset has titles. The folder appears whole or not at all.
 * @throws InputError if `dir` exists and is not an empty folder, or a sequence is empty, which could not be read back
 */
export function writeDataset(dir: string, dataset: Dataset): void {
  const target = resolve(dir);
  if (existsSync(target)) {
    if (!statSync(target).isDirectory() || readdirSync(target).length > 0) {
      throw new InputError(`${dir} exists and is not an empty folder; remove it or name another`);
    }
    rmSync(target, { recursive: true });
  }
  const { users, items, interactions } = summarizeDataset(dataset);
  const stats = { num_users: users, num_items: items, num_interactions: interactions };
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    writeDurably(join(temporary, STATS), `${JSON.stringify(stats, null, 4)}\n`);
    writeDurably(join(temporary, 'train', 'input.txt'), formatSequences(dataset.train));
    for (const name of ['val', 'test'] as const) {
      writeDurably(join(temporary, name, 'input.txt'), formatSequences(dataset[name].inputs));
      writeDurably(join(temporary, name, 'output.txt'), linesOf(dataset[name].targets));
    }
    if (dataset.titles) writeDurably(join(temporary, 'items.csv'), formatTitles(dataset.titles));
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

function readSplit(dir: string, numItems: number): Split {
  const inputFile = join(dir, 'input.txt');
  const outputFile = join(dir, 'output.txt');
  const [inputBytes, outputBytes] = [inputFile, outputFile].map(readBytes);
  if (inputBytes.length === 0 && outputBytes.length === 0) {
    return { inputs: Sequences.from([]), targets: new Uint32Array(0) }; // nobody is held out
  }
  const inputs = parseSequences(inputBytes, inputFile, numItems);
  const targets = parseTargets(outputBytes, outputFile, numItems);
  if (inputs.count !== targets.length) {
    throw new InputError(
      `${inputFile} has ${inputs.count} lines but ${outputFile} has ${targets.length}; line i of both must be the same user`,
    );
  }
  return { inputs, targets };
}

function readNumItems(file: string): number {
  const text = readBytes(file).toString();
  let numItems: unknown;
  try {
    numItems = JSON.parse(text)?.num_items;
  } catch (error) {
    throw new InputError(`${file} is not JSON (${(error as Error).message}); it must look like {"num_items": 3416}`, {
      cause: error,
    });
  }
  if (typeof numItems !== 'number' || !Number.isInteger(numItems) || numItems < 2 || numItems > 2 ** 32 - 2) {
    throw new InputError(`${file}: num_items is ${quoted(numItems)}; give the number of items, a whole number from 2`);
  }
  return numItems;
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new InputError(
      `cannot read ${file} (${(error as NodeJS.ErrnoException).code}); a dataset folder holds ${LAYOUT}`,
      {
        cause: error,
      },
    );
  }
}

function formatSequences(sequences: Sequences): string {
  const lines = Array.from({ length: sequences.count }, (_, i) => sequences.at(i).join(' '));
  const empty = lines.indexOf('');
  if (empty >= 0)
    throw new InputError(`sequence ${empty + 1} of ${sequences.count} is empty; leave out users without items`);
  return linesOf(lines);
}

function linesOf(lines: ArrayLike<string | number>): string {
  return Array.from(lines, (line) => `${line}\n`).join('');
}

function writeDurably(file: string, text: string): void {
  makeFolders(dirname(file));
  const handle = openSync(file, 'wx');
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
