import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { expect } from 'vitest';
import { InputError } from '../../src/base/errors.js';

/** Cases of each property. `npm run fuzz` runs many more than `npm test`. */
export const CASES = Number(process.env.GSAS_FUZZ_CASES ?? 300);
/** The same cases each time, unless another seed is given. */
const SEED = Number(process.env.GSAS_FUZZ_SEED ?? 1);

/** Processor time, so that other load does not count: far more than any case needs. */
const MOST_SECONDS = 3;
/** Wall time, after which a case counts as hanging. */
const HANGS_SECONDS = 60;

const state = new Int32Array(new SharedArrayBuffer(8));
let cases = 0;
new Worker(new URL('./watchdog.mjs', import.meta.url), { workerData: { state, mostSeconds: HANGS_SECONDS } }).unref();

/** How much the process may grow in total, whatever sizes its inputs name. Inputs themselves have kilobytes. */
const MOST_GROWTH = 512 * 2 ** 20;

/** Runs a property on CASES inputs; a failure names the seed and the smallest input that fails. */
export async function fuzz<T>(inputs: fc.Arbitrary<T>, property: (input: T) => void | Promise<void>): Promise<void> {
  const peak = () => 1024 * process.resourceUsage().maxRSS;
  const before = peak();
  const watched = async (input: T) => {
    Atomics.store(state, 0, ++cases);
    const began = process.cpuUsage();
    try {
      await property(input);
    } finally {
      Atomics.store(state, 0, 0);
    }
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1e6, 'seconds of the processor').toBeLessThan(MOST_SECONDS);
  };
  await fc.assert(fc.asyncProperty(inputs, watched), { numRuns: CASES, seed: SEED, endOnFailure: false });
  expect(peak() - before, 'bytes of memory at the peak').toBeLessThan(MOST_GROWTH);
}

/** What a parser does with an input: a value, or the one line with which it refuses. Any other error fails the test. */
export type Outcome<T> = { readonly value: T } | { readonly refused: string };

export function outcomeOf<T>(parse: () => T): Outcome<T> {
  try {
    return { value: parse() };
  } catch (error) {
    return { refused: lineOf(error) };
  }
}

/** The message of an error that a user's mistake may cause; throws any other error. */
export function lineOf(error: unknown): string {
  if (!(error instanceof InputError)) throw error;
  expect(error.message).toMatch(/^[^\p{Cc}]{1,2100}$/u);
  return error.message;
}

type Edit = (bytes: Buffer) => Buffer;

/** Sizes and counts that break arithmetic: the largest and the smallest of each width, and their neighbours. */
const NUMBERS = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 64n - 1n,
];

/** A file with one to four faults: flipped bits, other bytes, extreme numbers, pieces removed, doubled, zeroed or inserted. */
export function mutated(original: Buffer): fc.Arbitrary<Buffer> {
  const place = fc.nat(Math.max(0, original.length - 1));
  const length = fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: Math.max(1, original.length) }));
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.tuple(place, fc.nat(7)).map(([at, bit]) => overwrite(at, (bytes, i) => [bytes[i] ^ (1 << bit)])),
    fc.tuple(place, fc.nat(255)).map(([at, byte]) => overwrite(at, () => [byte])),
    fc.tuple(place, fc.constantFrom(...NUMBERS), fc.constantFrom(1, 2, 4, 8)).map(([at, value, width]) => {
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE(value);
      return overwrite(at, () => number.subarray(0, width));
    }),
    place.map((at) => (bytes: Buffer) => bytes.subarray(0, at)),
    fc.tuple(place, length).map(([at, n]) => splice(at, n, () => Buffer.alloc(0))),
    fc.tuple(place, length).map(([at, n]) => splice(at, n, (lost) => Buffer.alloc(lost.length))),
    fc.tuple(place, length, place).map(([at, n, from]) => splice(at, 0, (_, all) => all.subarray(from, from + n))),
    fc
      .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 16 }))
      .map(([at, put]) => splice(at, 0, () => Buffer.from(put))),
  );
  return fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce((bytes, change) => change(bytes), original));
}

function overwrite(at: number, bytesOf: (bytes: Buffer, at: number) => Iterable<number>): Edit {
  return (bytes) => {
    const copy = Buffer.from(bytes);
    if (at < copy.length) copy.set([...bytesOf(bytes, at)].slice(0, copy.length - at), at);
    return copy;
  };
}

function splice(at: number, length: number, put: (lost: Buffer, all: Buffer) => Buffer): Edit {
  return (bytes) => {
    const lost = bytes.subarray(at, at + length);
    return Buffer.concat([bytes.subarray(0, at), put(lost, bytes), bytes.subarray(at + length)]);
  };
}

/** Text as people, programs and attackers write it: words, numbers, text with meaning for terminals, HTML and JavaScript, any code point, any bytes. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(
      '\u001b[2J',
      '\n',
      '\r',
      '\0',
      '\u202e',
      '\u009b',
      '\ufeff',
      '\ud800',
      '"',
      ',',
      '\\',
      '#',
      '%',
      ' ',
    ),
    maxLength: 12,
  }),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'toString',
    'none',
    'null',
    'NaN',
    'Infinity',
    '-0',
    '1e999',
    '0x10',
    '1_0',
    '٣',
    '9007199254740993',
    '<script>',
  ),
  fc.oneof(fc.integer(), fc.double(), fc.bigInt()).map(String),
);
