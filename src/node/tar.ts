/**
 * The regular files of a ustar archive, by name. Reads what npm and GNU tar write for short paths (header fields at
 * POSIX.1-1988 offsets: name 0, size 124, type 156, prefix 345); directories, links and extension records are skipped.
 */
export function untar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const text = (start: number, length: number) => {
    const end = archive.indexOf(0, start);
    return archive.toString('utf8', start, end < 0 ? start + length : Math.min(end, start + length));
  };
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const body = at + 512;
    if (!(size >= 0) || body + size > archive.length) throw new RangeError(`tar archive broken at byte ${at}`);
    const type = archive[at + 156];
    // GNU tar's magic is "ustar  " and it keeps other things in the prefix field; POSIX's is "ustar\0".
    const prefix = archive[at + 262] === 0 ? text(at + 345, 155) : '';
    const name = text(at, 100);
    if (type === 0 || type === 0x30)
      files.set(prefix ? `${prefix}/${name}` : name, archive.subarray(body, body + size));
    at = body + Math.ceil(size / 512) * 512;
  }
  return files;
}
