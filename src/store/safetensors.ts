import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DamagedFileError, InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { sizeOf } from '../engine/tensor.js';
import { checkStart, sealStart, withChecksums } from './checksums.js';
import { MAX_IO_BYTES, parseJson, systemReason, writeWhole } from './files.js';

/**
 * The safetensors format (github huggingface/safetensors, README, "Format"): the length of the header as u64, the header
 * as JSON padded with spaces to 8 bytes, then the tensors' bytes without holes, little-endian, row-major.
 * Every machine that Node and Dawn run on is little-endian, so typed arrays are the bytes.
 */
const ARRAYS = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type Dtype = keyof typeof ARRAYS;

/** A tensor in host memory, row-major; a scalar's shape is []. BOOL holds a byte, 0 or 1, for each element. */
export type HostTensor = {
  [D in Dtype]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: (typeof ARRAYS)[D]['prototype'];
  };
}[Dtype];

export interface TensorFile {
  /** In the order of the header. */
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: Record<string, string>;
  /** Whether the file has checksums, which were then correct. */
  readonly checked: boolean;
}

const METADATA = '__metadata__';
/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/** The most objects and lists in a header: three per tensor, for more tensors than any model has. */
const MOST_PARTS = 100_000;
/** The header, a tensor, its shape. */
const MOST_LEVELS = 3;

/**
 * Writes tensors and metadata with checksums, whole or not at all. The same content always gives the same bytes. Like the reference implementation, it
 * sorts names and puts wide types first, so that each tensor is at a multiple of its element size.
 * @param keep see writeWhole
 */
export function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
  keep?: string,
): void {
  const width = ({ dtype }: HostTensor) => ARRAYS[dtype].BYTES_PER_ELEMENT;
  const sorted = [...tensors].sort(([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : 1));
  const parts = sorted.map(([name, { data }]): [string, Uint8Array] => {
    return [name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
  });
  const checked = Object.entries(withChecksums(metadata, parts)).sort(([a], [b]) => (a < b ? -1 : 1));
  const header: [string, unknown][] = [[METADATA, Object.fromEntries(checked)]];
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    if (name === METADATA || data.length !== sizeOf(shape)) {
      throw new InputError(
        `${file}: tensor ${name} of shape [${shape}] cannot be written with ${data.length} elements`,
      );
    }
    const begin = end;
    end += data.byteLength;
    header.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const start = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  start.writeBigUInt64LE(BigInt(start.length - 8));
  text.copy(start, 8);
  sealStart(start);
  writeWhole(file, [start, ...parts.map(([, bytes]) => bytes)], keep);
}

/**
 * Reads a safetensors file. Throws a DamagedFileError that names the file and, if there is one, the wrong tensor and value: truncated or trailing bytes,
 * a header that is not JSON or has a key twice, an unknown dtype, a shape that does not fit its bytes, offsets out of range or overlapping, a wrong
 * checksum. Files from other programs need no checksums. Throws an InputError if the file cannot be opened.
 */
export function readSafetensors(file: string): TensorFile {
  return withFile(file, (fd) => {
    const { entries, metadata, checkTensor, dataStart } = readStart(file, fd);
    const tensors = new Map<string, HostTensor>();
    for (const { name, dtype, shape, begin, end } of entries) {
      const bytes = readBytes(fd, dataStart + begin, end - begin);
      checkTensor?.(name, bytes);
      const data = new ARRAYS[dtype](bytes.buffer, 0, sizeOf(shape));
      tensors.set(name, { dtype, shape, data } as HostTensor);
    }
    return { tensors, metadata, checked: checkTensor !== undefined };
  });
}

/** Only the metadata, after checking the checksum of the start. Throws like readSafetensors. */
export function readMetadata(file: string): Record<string, string> {
  return withFile(file, (fd) => readStart(file, fd).metadata);
}

function withFile<T>(file: string, read: (fd: number) => T): T {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    throw new InputError(`${file}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
  try {
    return read(fd);
  } catch (error) {
    if (error instanceof InputError) throw new DamagedFileError(error.message, { cause: error });
    throw new InputError(`${file}: cannot be read: ${systemReason(error)}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}

function readStart(file: string, fd: number) {
  const size = fstatSync(fd).size;
  if (size < 8)
    throw new InputError(`${file}: is no safetensors file: it has ${size} bytes, fewer than a header's length`);
  const headerLength = Number(readBytes(fd, 0, 8).readBigUInt64LE());
  if (headerLength > MAX_HEADER_BYTES || headerLength > size - 8) {
    throw new InputError(
      `${file}: is cut off or no safetensors file: it says that its header has ${headerLength} bytes, but has ${size} bytes itself`,
    );
  }
  const dataStart = 8 + headerLength;
  const start = readBytes(fd, 0, dataStart);
  checkStructure(start.subarray(8), file);
  const { entries, metadata } = parseHeader(start.toString('utf8', 8), file);
  checkOffsets(entries, size - dataStart, file);
  return { entries, dataStart, ...checkStart(file, start, metadata) };
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: number[];
  /** Bytes from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

/** Refuses JSON with more parts or levels than a header can have, before memory is allocated for it. */
function checkStructure(json: Buffer, file: string): void {
  let parts = 0;
  let level = 0;
  let quoting = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === 0x22) quoting = !quoting;
    else if (quoting) i += byte === 0x5c ? 1 : 0;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++parts > MOST_PARTS || ++level > MOST_LEVELS)
        throw new InputError(`${file}: its header has more parts or levels than that of any model; it is damaged`);
    } else if (byte === 0x7d || byte === 0x5d) level--;
  }
}

function parseHeader(text: string, file: string): { entries: Entry[]; metadata: Record<string, string> } {
  const header = parseJson(text, `${file}: header`);
  if (!isObject(header)) throw new InputError(`${file}: its header is not a JSON object`);
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw new InputError(`${file}: its header names ${duplicate} twice`);
  const { [METADATA]: metadata = {}, ...tensors } = header;
  if (!isObject(metadata)) throw new InputError(`${file}: ${METADATA} is not an object of strings`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw new InputError(`${file}: ${METADATA} holds ${quoted(value)} under ${key}; only strings are allowed`);
    }
  }
  const entries = Object.entries(tensors).map(([name, info]) => parseEntry(name, info, file));
  return { entries, metadata: metadata as Record<string, string> };
}

function parseEntry(name: string, info: unknown, file: string): Entry {
  const { dtype, shape, data_offsets: offsets } = isObject(info) ? info : {};
  const wrong = (what: string) => new InputError(`${file}: tensor ${name} ${what}`);
  if (typeof dtype !== 'string' || !Object.hasOwn(ARRAYS, dtype)) {
    throw wrong(`has dtype ${quoted(dtype)}; known are ${Object.keys(ARRAYS).join(', ')}`);
  }
  if (!isSizes(shape)) throw wrong(`has shape ${quoted(shape)}; a shape is a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw wrong(`has data_offsets ${quoted(offsets)}; they are where its bytes begin and end`);
  }
  const [begin, end] = offsets;
  const bytes = sizeOf(shape) * ARRAYS[dtype as Dtype].BYTES_PER_ELEMENT;
  if (end - begin !== bytes) throw wrong(`is ${dtype} [${shape}], ${bytes} bytes, but its offsets hold ${end - begin}`);
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

/** The tensors must follow one another and fill the file: no overlap, no hole, nothing missing or left over. */
function checkOffsets(entries: readonly Entry[], dataLength: number, file: string): void {
  let filled = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== filled) {
      const fault = begin < filled ? 'inside the tensor before it' : 'behind bytes that belong to no tensor';
      throw new InputError(`${file}: tensor ${name} begins at byte ${begin}, ${fault}; it should begin at ${filled}`);
    }
    if (end > dataLength) {
      throw new InputError(`${file}: is cut off: tensor ${name} ends at byte ${end}, but only ${dataLength} are there`);
    }
    filled = end;
  }
  if (filled !== dataLength) {
    throw new InputError(`${file}: has ${dataLength - filled} bytes behind its last tensor; it is damaged`);
  }
}

/** The first key that an object of a JSON text has twice. JSON.parse would silently keep the last one. */
function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, key] of json.matchAll(/[{}[\]]|("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"/g)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (key !== undefined) {
      const name = JSON.parse(key) as string;
      const seen = open[open.length - 1];
      if (seen.has(name)) return name;
      seen.add(name);
    }
  }
  return undefined;
}

/** A buffer of its own, so that a typed array over it is aligned. */
function readBytes(fd: number, position: number, length: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let at = 0; at < length; ) {
    const read = readSync(fd, bytes, at, Math.min(length - at, MAX_IO_BYTES), position + at);
    if (read === 0) throw new Error('it was cut short while it was read');
    at += read;
  }
  return bytes;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
