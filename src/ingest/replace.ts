import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { FILES, NOTES, PARTS, STATS } from '../store/dataset-files.js';

/**
 * What a dataset's folder holds besides the files of an import: paths in the folder, folders with a slash at the end.
 * @throws InputError if something else has the name of such a file
 */
export function foreignEntries(folder: string): string[] {
  return entries(folder, '').flatMap((name) => {
    const isFolder = lstatSync(join(folder, name)).isDirectory();
    if (isFolder && isPart(name)) return entries(folder, `${name}/`).filter((path) => !isOurs(folder, path));
    return isOurs(folder, name) ? [] : [isFolder ? `${name}/` : name];
  });
}

function entries(folder: string, inside: string): string[] {
  return readdirSync(join(folder, inside))
    .sort()
    .map((name) => `${inside}${name}`);
}

function isPart(path: string): boolean {
  return PARTS.some((part) => part === path);
}

function isOurs(folder: string, path: string): boolean {
  const known = FILES.includes(path);
  if ((known && !lstatSync(join(folder, path)).isFile()) || isPart(path))
    throw new InputError(`${join(folder, path)} is not what an import writes there; move it away`);
  return known;
}

/**
 * Puts `made` in the place of `target`. If it replaces a dataset, the files of an import move to `old` and everything else stays. If a step fails, the
 * earlier ones are undone.
 */
export function replaceDataset(made: string, target: string, old: string): void {
  const undo: (() => void)[] = [];
  const move = (from: string, to: string) => {
    renameSync(from, to);
    undo.push(() => renameSync(to, from));
  };
  try {
    const occupied = existsSync(target);
    if (!occupied || foreignEntries(target).length === 0) {
      if (occupied) move(target, old);
      move(made, target);
      return;
    }
    for (const folder of [old, target]) for (const part of PARTS) mkdirSync(join(folder, part), { recursive: true });
    for (const name of present(target, NOTES)) move(join(target, name), join(old, name));
    for (const name of present(made, NOTES, STATS)) move(join(made, name), join(target, name));
    copyFileSync(join(target, NOTES), join(old, NOTES));
    undo.push(() => renameSync(join(old, NOTES), join(target, NOTES)));
    move(join(made, NOTES), join(target, NOTES));
    move(join(made, STATS), join(target, STATS));
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

function present(folder: string, ...except: readonly string[]): string[] {
  return FILES.filter((name) => !except.includes(name) && existsSync(join(folder, name)));
}
