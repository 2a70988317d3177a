import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { GsasError, InputError } from '../base/errors.js';
import { NOTES } from '../store/dataset-files.js';
import { makeFolders } from '../store/make-folders.js';
import { foreignEntries, replaceDataset } from './replace.js';

/** How long after its last change a leftover of a process that is gone may be removed. */
const ABANDONED_MS = 3_600_000;

/**
 * Makes a dataset's folder that appears whole or not at all: `fill` writes into a temporary folder beside it, which becomes the folder at the end. If
 * anything fails, it is removed, with all folders made on the way. In a folder that is replaced, files that no import wrote stay.
 * @param fill is called with the folder to fill, another one for its own use, both empty, and what stays in the folder
 * @throws InputError if `out` exists and is not empty, unless `force` is set and an import made it; or if it cannot be written
 */
export async function makeFolder<T>(
  out: string,
  force: boolean,
  fill: (dir: string, work: string, kept: readonly string[]) => Promise<T>,
): Promise<T> {
  const target = resolve(out);
  const kept = refuseOccupied(out, force);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  const [dir, work, old] = ['new', 'work', 'old'].map((name) => join(temporary, name)) as [string, string, string];
  let made: string | undefined;
  try {
    removeAbandoned(target);
    // A killed process with the same id, as can happen in containers, may have left one.
    rmSync(temporary, { recursive: true, force: true });
    made = makeFolders(dir);
    mkdirSync(work);
  } catch (error) {
    if (made) rmSync(made, { recursive: true });
    throw new InputError(`cannot write beside ${out}: ${systemReason(error)}`, { cause: error });
  }
  try {
    const result = await fill(dir, work, kept);
    replaceDataset(dir, target, old);
    rmSync(temporary, { recursive: true });
    return result;
  } catch (error) {
    rmSync(made ?? temporary, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).syscall)
      throw new GsasError(`${out} cannot be written: ${systemReason(error)}`, { cause: error });
    throw error;
  }
}

/** Removes what killed imports to the same folder left beside it. */
function removeAbandoned(target: string): void {
  if (!existsSync(dirname(target))) return;
  for (const name of readdirSync(dirname(target))) {
    const prefix = `.${basename(target)}.`;
    const id = name.startsWith(prefix) ? /^(\d+)\.tmp$/.exec(name.slice(prefix.length))?.[1] : undefined;
    const path = join(dirname(target), name);
    if (id !== undefined && !isRunning(Number(id)) && Date.now() - statSync(path).mtimeMs > ABANDONED_MS)
      rmSync(path, { recursive: true });
  }
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * @returns what is in `out` that no import wrote, which `force` leaves there
 * @throws InputError if `out` exists and is not empty, unless `force` is set and an import made it
 */
export function refuseOccupied(out: string, force: boolean): string[] {
  const target = resolve(out);
  if (!existsSync(target)) return [];
  if (!statSync(target).isDirectory()) throw new InputError(`${out} is a file; name another folder`);
  const names = readdirSync(target);
  if (names.length === 0) return [];
  if (!force)
    throw new InputError(`${out} is not empty; name another folder, or replace the dataset in it with --force`);
  if (names.includes(NOTES)) return foreignEntries(target);
  throw new InputError(
    `${out} is not empty and holds no ${NOTES}, so no import made it and there is no dataset to replace; name another folder`,
  );
}

/** The system's message, such as "no such file or directory". */
function systemReason(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return (errno !== undefined && getSystemErrorMap().get(errno)?.[1]) || message;
}
