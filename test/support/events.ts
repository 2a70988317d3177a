import { PbfReader } from 'pbf';
import { crc32c } from '../../src/store/events.js';

export interface Event {
  wallTime: number;
  step: number;
  version?: string;
  values: Record<string, number>;
}

/** Reads a TensorBoard event file, by the formats' definitions: record_writer.h, event.proto, summary.proto. Every checksum must fit. */
export function readEvents(bytes: Buffer): Event[] {
  const events: Event[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    checkMasked(bytes.subarray(at, at + 8), bytes.readUInt32LE(at + 8));
    const data = bytes.subarray(at + 12, at + 12 + length);
    checkMasked(data, bytes.readUInt32LE(at + 12 + length));
    events.push(new PbfReader(data).readFields(readEvent, { wallTime: 0, step: 0, values: {} }));
    at += length + 16;
  }
  return events;
}

function checkMasked(bytes: Buffer, masked: number): void {
  const rotated = (masked - 0xa282ead8) >>> 0;
  const crc = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (crc !== crc32c(bytes)) throw new Error(`checksum ${crc} of ${bytes.toString('hex')} is wrong`);
}

function readEvent(field: number, event: Event, pbf: PbfReader): void {
  if (field === 1) event.wallTime = pbf.readDouble();
  if (field === 2) event.step = pbf.readVarint(true);
  if (field === 3) event.version = pbf.readString();
  if (field === 5) pbf.readMessage(readSummary, event);
}

function readSummary(field: number, event: Event, pbf: PbfReader): void {
  if (field !== 1) return;
  const value = pbf.readMessage(readValue, { tag: '', simple: Number.NaN });
  event.values[value.tag] = value.simple;
}

function readValue(field: number, value: { tag: string; simple: number }, pbf: PbfReader): void {
  if (field === 1) value.tag = pbf.readString();
  if (field === 2) value.simple = pbf.readFloat();
}
