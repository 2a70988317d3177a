import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Unzip, UnzipInflate } from 'fflate';
import { InputError } from '../../base/errors.js';

/**
 * Unpacks some members of a zip, piece by piece, so that they may be larger than memory.
 * @returns the path of each, in the order of `members`
 * @throws InputError if the file is not a zip or lacks a member
 */
export async function unzip(
  file: string,
  members: readonly string[],
  folder: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const paths = members.map((_, i) => join(folder, `member-${i}`));
  const open = new Map<string, number>();
  let whole = 0;
  const archive = new Unzip((entry) => {
    const member = members.indexOf(entry.name);
    if (member < 0) return;
    const fd = openSync(paths[member], 'w');
    open.set(entry.name, fd);
    entry.ondata = (error, data, final) => {
      if (error) throw error;
      for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
      if (final) whole++;
    };
    entry.start();
  });
  archive.register(UnzipInflate);
  try {
    for await (const bytes of createReadStream(file, { highWaterMark: 2 ** 16, signal }))
      archive.push(bytes as Uint8Array);
    archive.push(new Uint8Array(), true);
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as NodeJS.ErrnoException).syscall) throw error;
    throw new InputError(`${file} is not a whole zip: ${(error as Error).message}`, { cause: error });
  } finally {
    for (const fd of open.values()) closeSync(fd);
  }
  const missing = members.find((name) => !open.has(name));
  if (missing) throw new InputError(`${file} holds no ${missing}; it is another archive`);
  if (whole < members.length) throw new InputError(`${file} is not a whole zip: it breaks off`);
  return paths;
}
