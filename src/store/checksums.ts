import { createHash } from 'node:crypto';
import { DamagedFileError } from '../base/errors.js';

/**
 * Checksums in the metadata of a safetensors file, all SHA-256 in hexadecimal: `checksums`, of the bytes of each tensor, and `checksum`, of
 * everything before the tensors' bytes with zeros in its own place. Together they cover every bit of the file.
 */
const ALL = 'checksums';
const OWN = 'checksum';
const BLANK = '0'.repeat(64);

/** The metadata with checksums. The one of the start is still blank, see `sealStart`. */
export function withChecksums(
  metadata: Readonly<Record<string, string>>,
  tensors: readonly (readonly [name: string, bytes: Uint8Array])[],
): Record<string, string> {
  const sums = tensors.map(([name, bytes]) => [name, digest(bytes)]);
  return { ...metadata, [ALL]: JSON.stringify(Object.fromEntries(sums)), [OWN]: BLANK };
}

/** Puts the checksum into a file's start, which is the header and its length. */
export function sealStart(start: Buffer): void {
  start.write(digest(start), placeOf(start, BLANK));
}

/**
 * A file's metadata without its checksums, after the start has been checked.
 * @param start the start of the file: the header and its length
 * @returns `tensor` checks the bytes of one tensor; undefined if the file has no checksums
 * @throws DamagedFileError if the start is not what was written; `tensor` throws it for a tensor
 */
export function checkStart(
  file: string,
  start: Buffer,
  { [ALL]: all, [OWN]: own, ...metadata }: Readonly<Record<string, string>>,
): { metadata: Record<string, string>; checkTensor?: (name: string, bytes: Uint8Array) => void } {
  if (own === undefined && all === undefined) return { metadata };
  const copy = Buffer.from(start);
  const place = own?.length === BLANK.length ? placeOf(copy, own) : -1;
  if (place >= 0) copy.write(BLANK, place);
  if (place < 0 || digest(copy) !== own || all === undefined) {
    throw new DamagedFileError(`${file}: is damaged: its header does not match its checksum`);
  }
  const sums = new Map(Object.entries(JSON.parse(all)));
  const checkTensor = (name: string, bytes: Uint8Array) => {
    if (sums.get(name) === digest(bytes)) return;
    throw new DamagedFileError(`${file}: is damaged: tensor ${name} does not match its checksum`);
  };
  return { metadata, checkTensor };
}

/** Where a checksum's digits are. Quotes inside the header's strings are escaped, so nothing else looks like this. */
function placeOf(start: Buffer, digits: string): number {
  const key = `"${OWN}":"`;
  const at = start.indexOf(`${key}${digits}"`);
  return at < 0 ? at : at + key.length;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
