import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, type LineStats } from '../data/stats.js';
import { LINE_FILES, PARTS, type Part } from '../store/dataset-files.js';
import { NEWLINE } from './bytes.js';
import type { Cuts } from './splits.js';

const BUFFER_BYTES = 2 ** 20;
/** A number of ten digits and the character after it. */
const LONGEST_NUMBER = 11;
const SPACE = 32;
const ZERO = 48;

/** Writes lines of numbers separated by spaces. */
class NumberFile {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #used = 0;

  constructor(file: string) {
    this.#fd = openSync(file, 'wx');
  }

  write(numbers: ArrayLike<number>): void {
    for (let i = 0; i < numbers.length; i++) this.#put(numbers[i], i === numbers.length - 1 ? NEWLINE : SPACE);
  }

  #put(number: number, separator: number): void {
    if (this.#used + LONGEST_NUMBER > BUFFER_BYTES) this.#flush();
    let digits = 1;
    for (let bound = 10; number >= bound; bound *= 10) digits++;
    for (let at = this.#used + digits - 1; at >= this.#used; at--) {
      this.#buffer[at] = ZERO + (number % 10);
      number = Math.floor(number / 10);
    }
    this.#used += digits;
    this.#buffer[this.#used++] = separator;
  }

  #flush(): void {
    for (let at = 0; at < this.#used; ) at += writeSync(this.#fd, this.#buffer, at, this.#used - at);
    this.#used = 0;
  }

  /** Waits until all is on the disk. */
  finish(): void {
    this.#flush();
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What happened to held-out items. */
export interface Unseen {
  /** Items that are in no training line. */
  readonly items: number;
  /** Targets among these items. */
  readonly valTargets: number;
  readonly testTargets: number;
}

/**
 * Writes {train,val,test}/input.txt and {val,test}/output.txt of the official layout user by user, each with a users.txt beside it that has the user id of
 * every line, and counts as it goes.
 */
export class LayoutWriter {
  readonly #files = new Map<string, NumberFile>();
  readonly #counters: Record<Part, LineCounter>;
  /** [N+1] */
  readonly #trained: Uint32Array;
  readonly #targets: Record<'val' | 'test', Uint32Array>;

  /** @param dir an existing empty folder */
  constructor(
    dir: string,
    private readonly numItems: number,
  ) {
    this.#trained = new Uint32Array(numItems + 1);
    this.#targets = { val: new Uint32Array(numItems + 1), test: new Uint32Array(numItems + 1) };
    this.#counters = {
      train: new LineCounter(numItems),
      val: new LineCounter(numItems),
      test: new LineCounter(numItems),
    };
    for (const part of PARTS) {
      mkdirSync(join(dir, part));
      for (const name of LINE_FILES[part])
        this.#files.set(`${part}/${name}`, new NumberFile(join(dir, part, `${name}.txt`)));
    }
  }

  /** @param items everything that the user did, oldest first */
  add(user: number, items: Uint32Array, { train, val, test }: Cuts): void {
    if (train > 0) {
      const inputs = items.subarray(0, train);
      this.#line('train', user, inputs);
      for (const item of inputs) this.#trained[item]++;
    }
    for (let at = val[0]; at < val[1]; at++) this.#heldOut('val', user, items, at);
    for (let at = test[0]; at < test[1]; at++) this.#heldOut('test', user, items, at);
  }

  #heldOut(part: 'val' | 'test', user: number, items: Uint32Array, at: number): void {
    const target = items[at];
    this.#line(part, user, items.subarray(0, at), target);
    this.#files.get(`${part}/output`)!.write([target]);
    this.#targets[part][target]++;
  }

  #line(part: Part, user: number, inputs: Uint32Array, target?: number): void {
    this.#files.get(`${part}/input`)!.write(inputs);
    this.#files.get(`${part}/users`)!.write([user]);
    this.#counters[part].add(inputs, target);
  }

  /** Waits until all is on the disk. */
  finish(): Record<Part, LineStats> & { unseen: Unseen } {
    for (const file of this.#files.values()) file.finish();
    const unseen = { items: 0, valTargets: 0, testTargets: 0 };
    for (let item = 1; item <= this.numItems; item++) {
      if (this.#trained[item] > 0) continue;
      unseen.items++;
      unseen.valTargets += this.#targets.val[item];
      unseen.testTargets += this.#targets.test[item];
    }
    const { train, val, test } = this.#counters;
    return { train: train.stats(), val: val.stats(), test: test.stats(), unseen };
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }
}
