import { setImmediate as turn } from 'node:timers/promises';

const LONGEST = 1; // milliseconds
const SHARE = 1 / 32; // of the time waited so far: how late an answer may be noticed
const cell = new Int32Array(new SharedArrayBuffer(4));

let waits = 0;
let since = 0; // when the first of the present waits began
let resting: Promise<void> | undefined;

/**
 * Lets the processor rest while the host waits for the GPU. Dawn's Node binding polls for finished work in every turn of the event loop, which keeps one
 * core busy, and on a software adapter that core is part of the GPU. So each turn sleeps a little, longer for a longer wait, and at most a millisecond:
 * timers and sockets are served as before.
 * @returns when nothing is waiting any more
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
