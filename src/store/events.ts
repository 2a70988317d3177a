import { readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PbfWriter } from 'pbf';
import { appendBytes, writeWhole } from './files.js';

/** Values of one training step, by the tags under which TensorBoard draws them. */
export interface Scalars {
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly values: Readonly<Record<string, number>>;
}

const EVENT_FILE = /^events\.out\.tfevents\./;

/**
 * A TensorBoard event file: `tensorboard --logdir RUNS` draws it, and its own EventAccumulator, Weights & Biases and others read it. It
 * is a TFRecord file of Event messages (tensorflow/core/util/event.proto): a version first, then scalar summaries.
 */
export class EventFile {
  readonly file: string;

  /** Starts the folder's only event file, with what a resumed run has measured before. */
  constructor(folder: string, before: readonly Scalars[]) {
    for (const name of readdirSync(folder)) if (EVENT_FILE.test(name)) rmSync(join(folder, name), { force: true });
    const now = Date.now() / 1000;
    // TensorBoard reads a folder's event files in the order of their names: a resumed run's comes after the one it replaces.
    this.file = join(folder, `events.out.tfevents.${Math.floor(now)}.${hostname()}.${process.pid}`);
    const version = record(encode((event) => event.writeStringField(3, 'brain.Event:2'), now));
    writeWhole(this.file, [version, ...before.map(encodeScalars)]);
  }

  append(scalars: Scalars): void {
    appendBytes(this.file, encodeScalars(scalars));
  }
}

function encodeScalars({ step, wallTime, values }: Scalars): Uint8Array {
  const message = encode((event) => {
    event.writeVarintField(2, step);
    event.writeMessage(5, writeSummary, values);
  }, wallTime);
  return record(message);
}

function encode(fields: (event: PbfWriter) => void, wallTime: number): Uint8Array {
  const event = new PbfWriter();
  event.writeDoubleField(1, wallTime);
  fields(event);
  return event.finish();
}

function writeSummary(values: Scalars['values'], summary: PbfWriter): void {
  for (const entry of Object.entries(values)) {
    summary.writeMessage(1, writeValue, entry);
  }
}

function writeValue([tag, value]: [string, number], message: PbfWriter): void {
  message.writeStringField(1, tag);
  message.writeFloatField(2, value);
}

/** A TFRecord: length (u64), its checksum, the bytes, theirs (tensorflow/core/lib/io/record_writer.h). */
function record(bytes: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(bytes.length + 16);
  framed.writeBigUInt64LE(BigInt(bytes.length), 0);
  framed.writeUInt32LE(maskedCrc(framed.subarray(0, 8)), 8);
  framed.set(bytes, 12);
  framed.writeUInt32LE(maskedCrc(bytes), 12 + bytes.length);
  return framed;
}

/** CRC-32C (Castagnoli), bits reflected, by bytes. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

/** Masked, so that a checksum of bytes that hold checksums stays sound. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
