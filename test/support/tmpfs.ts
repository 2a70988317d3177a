import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { afterAll } from 'vitest';

/** A small file system of its own, where this process may mount one (root on Linux). */
export interface Tmpfs {
  readonly folder: string;
  /** Changes its options, such as `size=64k` or `ro`. */
  remount(options: string): void;
}

/** @returns undefined, after saying so, if no file system can be mounted. Unmounted after the file's tests */
export function mountTmpfs(folder: string, options: string): Tmpfs | undefined {
  mkdirSync(folder, { recursive: true });
  const mount = (...args: string[]) => execFileSync('mount', [...args, folder], { stdio: 'pipe' });
  try {
    mount('-t', 'tmpfs', '-o', options, 'tmpfs');
  } catch (error) {
    console.warn(`no tests on a small disk: ${String(error).split('\n')[0]}`);
    return undefined;
  }
  return { folder, remount: (changed) => void mount('-o', `remount,${changed}`) };
}

/** Unmounts a folder after the file's tests, whatever their outcome. */
export function unmountAfterAll(folder: () => string): void {
  afterAll(() => {
    try {
      execFileSync('umount', [folder()], { stdio: 'pipe' });
    } catch {} // it was never mounted
  });
}
