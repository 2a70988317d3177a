import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A small file system of its own. */
export interface Tmpfs {
  readonly folder: string;
  /** Changes its options, such as `size=64k` or `ro`. */
  remount(options: string): void;
}

/** Mounts one until the file's tests are done. @returns why not, where this process may not mount: it must be root on Linux */
export function mountTmpfs(options: string): Tmpfs | string {
  const folder = mkdtempSync(join(tmpdir(), 'gsas-disk-'));
  const mount = (...args: string[]) => void execFileSync('mount', [...args, folder], { stdio: 'pipe' });
  try {
    mount('-t', 'tmpfs', '-o', options, 'tmpfs');
  } catch (error) {
    rmdirSync(folder);
    return (error as Error).message.split('\n')[0];
  }
  afterAll(() => {
    execFileSync('umount', [folder], { stdio: 'pipe' });
    rmdirSync(folder);
  });
  return { folder, remount: (changed) => mount('-o', `remount,${changed}`) };
}
