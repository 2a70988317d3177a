import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { GsasError, InputError } from '../base/errors.js';
import { makeFolders } from '../store/make-folders.js';

/** What every dataset's folder holds, and hardly any other. */
const MARK = 'dataset_stats.json';

/**
 * Makes a folder that appears whole or not at all: `fill` writes into a temporary folder beside it, which becomes the folder when all is done
 * and is removed, with folders made on the way, when anything fails.
 * @param fill gets the folder to fill and another for its own use, both empty
 * @throws InputError when `out` is there with something in it, unless `force` and it holds a dataset, or cannot be written
 */
export async function makeFolder<T>(
  out: string,
  force: boolean,
  fill: (dir: string, work: string) => Promise<T>,
): Promise<T> {
  const target = resolve(out);
  refuseOccupied(out, force);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  const [dir, work, old] = ['new', 'work', 'old'].map((name) => join(temporary, name)) as [string, string, string];
  let made: string | undefined;
  try {
    // A killed process with the same id, as in a container, may have left one.
    rmSync(temporary, { recursive: true, force: true });
    made = makeFolders(dir);
    mkdirSync(work);
  } catch (error) {
    if (made) rmSync(made, { recursive: true });
    throw new InputError(`cannot write beside ${out}: ${systemReason(error)}`, { cause: error });
  }
  try {
    const result = await fill(dir, work);
    replace(dir, target, old);
    rmSync(temporary, { recursive: true });
    return result;
  } catch (error) {
    rmSync(made ?? temporary, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).syscall)
      throw new GsasError(`${out} cannot be written: ${systemReason(error)}`, { cause: error });
    throw error;
  }
}

/** Puts `dir` where `target` is or will be; what was there goes to `old`, and comes back when that fails. */
function replace(dir: string, target: string, old: string): void {
  const occupied = existsSync(target);
  if (occupied) renameSync(target, old);
  try {
    renameSync(dir, target);
  } catch (error) {
    if (occupied) renameSync(old, target);
    throw error;
  }
}

/** @throws InputError when `out` is there with something in it, unless `force` and it holds a dataset */
export function refuseOccupied(out: string, force: boolean): void {
  const target = resolve(out);
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory()) throw new InputError(`${out} is a file; name another folder`);
  const names = readdirSync(target);
  if (names.length === 0 || (force && names.includes(MARK))) return;
  throw new InputError(
    force
      ? `${out} is not empty and holds no ${MARK}, so it is no dataset to replace; name another folder`
      : `${out} is not empty; name another folder, or replace the dataset in it with --force`,
  );
}

/** The system's own words, such as "no such file or directory". */
function systemReason(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return (errno !== undefined && getSystemErrorMap().get(errno)?.[1]) || message;
}
