import { setImmediate as turn } from 'node:timers/promises';

const LONGEST = 1; // milliseconds
const SHARE = 1 / 32; // of the time waited so far, by which an answer may be late
const cell = new Int32Array(new SharedArrayBuffer(4));

let waits = 0;
let since = 0; // when the first of the present waits began
let resting: Promise<void> | undefined;

/**
 * Lets the processor rest while the host waits for the GPU. Dawn's Node binding asks for finished work in every turn of the event loop:
 * one core is busy with nothing else, and on a software adapter that core is half of the GPU. So each turn sleeps a little, the longer
 * the wait, and at most a millisecond: timers and sockets are served as before. On two cores with lavapipe a training step took 138 ms for
 * 275 (Beauty's shape) and 250 for 543 (ml1m, B = 32, k = 1).
 * @returns when nobody waits any longer
 */
export function restDuring(work: Promise<unknown>): Promise<void> {
  if (waits++ === 0) since = performance.now();
  const done = () => {
    waits--;
  };
  work.then(done, done);
  resting ??= rest();
  return resting;
}

async function rest(): Promise<void> {
  while (waits > 0) {
    await turn();
    if (waits > 0) Atomics.wait(cell, 0, 0, Math.min(LONGEST, SHARE * (performance.now() - since)));
  }
  resting = undefined;
}
