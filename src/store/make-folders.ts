import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are missing, one by one: Node's own recursive mkdir never ends where a parent is there but
 * takes no folders, such as /proc.
 * @returns the topmost folder that was made, undefined where all were there
 * @throws the system's error where one cannot be made, and leaves none behind then
 */
export function makeFolders(folder: string): string | undefined {
  const path = resolve(folder);
  const made = existsSync(dirname(path)) ? undefined : makeFolders(dirname(path));
  try {
    mkdirSync(path);
    return made ?? path;
  } catch (error) {
    if (existsSync(path)) {
      mkdirSync(path, { recursive: true }); // throws where it is a file
      return made;
    }
    if (made) rmSync(made, { recursive: true });
    throw error;
  }
}
