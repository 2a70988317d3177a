import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and its missing parents, one by one: Node's own recursive mkdir never ends if a parent exists but takes no folders, such as
 * /proc.
 * @returns the topmost folder that was made; undefined if all existed
 * @throws the system's error if one cannot be made, and then leaves none behind
 */
export function makeFolders(folder: string): string | undefined {
  const path = resolve(folder);
  const made = existsSync(dirname(path)) ? undefined : makeFolders(dirname(path));
  try {
    mkdirSync(path);
    return made ?? path;
  } catch (error) {
    if (existsSync(path)) {
      mkdirSync(path, { recursive: true }); // throws if it is a file
      return made;
    }
    if (made) rmSync(made, { recursive: true });
    throw error;
  }
}
