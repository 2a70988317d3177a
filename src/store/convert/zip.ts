import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Zip, ZipPassThrough } from 'fflate';
import { DamagedFileError, InputError } from '../../base/errors.js';
import { MAX_IO_BYTES, systemReason, writeWhole } from '../files.js';

/**
 * Zip archives of stored records, as torch.save writes them (PKWARE's APPNOTE.TXT; the section numbers below are its own).
 * Reading trusts no number in the file: records are read in place, so nothing larger than the file is ever allocated.
 */

/** A record of an archive: `size` bytes from `start`. */
interface Entry {
  readonly size: number;
  readonly crc32: number;
  /** Where its local header begins. */
  readonly header: number;
}

/** Names, offsets and sizes of a few hundred records take kilobytes. */
const MAX_DIRECTORY_BYTES = 2 ** 24;
const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_END = 0x06054b50;
const DIRECTORY_END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const EXTRA_64 = 1;
/** How many bytes are read at a time to check a record. */
const CHUNK = 2 ** 22;
const FULL_32 = 0xffffffff;

/** An open archive, whose records have been checked to lie within the file. */
export class ZipFile {
  readonly #entries = new Map<string, Entry>();
  readonly #fd: number;
  /** Bytes of the whole file. */
  readonly size: number;

  /** @throws InputError for a file that cannot be opened, is not a zip, is cut off, is inconsistent, or has a record that does not match its CRC-32 */
  constructor(readonly file: string) {
    try {
      this.#fd = openSync(file, 'r');
    } catch (error) {
      throw new InputError(`${file}: cannot be read: ${systemReason(error)}`, { cause: error });
    }
    this.size = fstatSync(this.#fd).size;
    try {
      this.#readDirectory();
      this.#checkRecords();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The size of a record, or undefined if there is none of that name. */
  sizeOf(name: string): number | undefined {
    return this.#entries.get(name)?.size;
  }

  /**
   * Bytes of a record, in a buffer of their own.
   * @param begin,length which of them; they must lie within the record
   * @throws InputError if the record's header contradicts the directory
   */
  read(name: string, begin = 0, length?: number): Buffer<ArrayBuffer> {
    const entry = this.#entries.get(name)!;
    return this.#bytes(this.#startOf(name, entry) + begin, length ?? entry.size - begin);
  }

  #startOf(name: string, { header, size }: Entry): number {
    const local = this.#bytes(header, 30);
    // The local header's name and extra field may differ in length from the directory's (4.3.7).
    const start = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    if (local.readUInt32LE(0) !== LOCAL_HEADER || start + size > this.size) {
      throw this.#damaged(`its record ${JSON.stringify(name)} is not where its directory says`);
    }
    return start;
  }

  /** Checks every record against its checksum. @throws DamagedFileError if one is not what was written */
  #checkRecords(): void {
    for (const [name, entry] of this.#entries) {
      const start = this.#startOf(name, entry);
      let crc = 0;
      for (let at = 0; at < entry.size; at += CHUNK) {
        crc = crc32(this.#bytes(start + at, Math.min(CHUNK, entry.size - at)), crc);
      }
      if (crc !== entry.crc32) {
        throw new DamagedFileError(
          `${this.file}: is damaged: its record ${JSON.stringify(name)} does not match its CRC-32; was it saved under set_crc32_options(False), save it again without`,
        );
      }
    }
  }

  /** The end of the directory (4.3.16, beyond 4 GiB 4.3.14), then the directory itself (4.3.12). */
  #readDirectory(): void {
    const tailBytes = Math.min(this.size, END_BYTES + MAX_COMMENT_BYTES);
    const tail = this.#bytes(this.size - tailBytes, tailBytes);
    let end = tail.length - END_BYTES;
    while (end >= 0 && tail.readUInt32LE(end) !== DIRECTORY_END) end--;
    if (end < 0) throw this.#damaged('no directory of a zip archive is at its end');
    let count = tail.readUInt16LE(end + 10);
    let length = tail.readUInt32LE(end + 12);
    let start = tail.readUInt32LE(end + 16);
    const locator = this.size - tailBytes + end - 20;
    if (locator >= 0) {
      const found = this.#bytes(locator, 20);
      if (found.readUInt32LE(0) === LOCATOR_64) {
        const end64 = this.#bytes(Number(found.readBigUInt64LE(8)), 56);
        if (end64.readUInt32LE(0) !== DIRECTORY_END_64) throw this.#damaged('its directory has no end');
        count = Number(end64.readBigUInt64LE(32));
        length = Number(end64.readBigUInt64LE(40));
        start = Number(end64.readBigUInt64LE(48));
      }
    }
    if (length > MAX_DIRECTORY_BYTES) throw this.#damaged(`its directory of ${length} bytes is no checkpoint's`);
    const directory = this.#bytes(start, length);
    for (let at = 0, i = 0; i < count; i++) at = this.#readEntry(directory, at);
  }

  /** @returns where the next entry begins */
  #readEntry(directory: Buffer, at: number): number {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== DIRECTORY_ENTRY) {
      throw this.#damaged('its directory breaks off');
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field));
    const extraStart = at + 46 + nameLength!;
    const next = extraStart + extraLength! + commentLength!;
    if (next > directory.length) throw this.#damaged('its directory breaks off');
    const name = directory.toString('utf8', at + 46, extraStart);
    const encrypted = (directory.readUInt16LE(at + 8) & 1) === 1;
    if (encrypted || directory.readUInt16LE(at + 10) !== 0) {
      throw new InputError(
        `${this.file}: its record ${JSON.stringify(name)} is ${encrypted ? 'encrypted' : 'compressed'}; torch.save writes plain ones, so save it again with torch.save`,
      );
    }
    if (this.#entries.has(name)) throw this.#damaged(`it has two records ${JSON.stringify(name)}`);
    const [stored, size, header] = largeNumbers(
      [20, 24, 42].map((field) => directory.readUInt32LE(at + field)),
      directory.subarray(extraStart, extraStart + extraLength!),
    );
    if (stored !== size || header! + 30 + size! > this.size) {
      throw this.#damaged(`its record ${JSON.stringify(name)} of ${size} bytes does not fit its ${this.size}`);
    }
    this.#entries.set(name, { size: size!, header: header!, crc32: directory.readUInt32LE(at + 16) });
    return next;
  }

  #bytes(position: number, length: number): Buffer<ArrayBuffer> {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) throw this.#damaged('it is cut off');
    const bytes = Buffer.from(new ArrayBuffer(length));
    for (let at = 0; at < length; ) {
      const read = readSync(this.#fd, bytes, at, Math.min(length - at, MAX_IO_BYTES), position + at);
      if (read === 0) throw this.#damaged('it was cut short while it was read');
      at += read;
    }
    return bytes;
  }

  #damaged(what: string): DamagedFileError {
    return new DamagedFileError(`${this.file}: is no zip archive as torch.save writes it, or is damaged: ${what}`);
  }
}

/** Stored size, size and offset. Those that are 0xffffffff are in the zip64 extra field, in this order (4.5.3). */
function largeNumbers([stored, size, header]: number[], extra: Buffer): number[] {
  let fields: Buffer | undefined;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === EXTRA_64) fields = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  let used = 0;
  const widen = (value: number) => {
    if (value !== FULL_32 || fields === undefined || used + 8 > fields.length) return value;
    used += 8;
    return Number(fields.readBigUInt64LE(used - 8));
  };
  const wideSize = widen(size!);
  const wideStored = widen(stored!);
  return [wideStored, wideSize, widen(header!)];
}

/**
 * Writes stored records, whole or not at all; the same records always give the same bytes.
 * @throws InputError beyond 4 GiB, which such a zip cannot express
 */
export function writeZip(file: string, records: readonly (readonly [name: string, bytes: Uint8Array])[]): void {
  const total = records.reduce((sum, [name, bytes]) => sum + bytes.length + 128 + 2 * name.length, END_BYTES);
  if (total > FULL_32) {
    throw new InputError(`${file}: would have ${total} bytes; a zip archive of this kind holds 4 GiB at most`);
  }
  const chunks: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
  });
  for (const [name, bytes] of records) {
    const record = new ZipPassThrough(name);
    record.mtime = new Date(1980, 0, 1);
    zip.add(record);
    record.push(bytes, true);
  }
  zip.end();
  writeWhole(file, chunks);
}
