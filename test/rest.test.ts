import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { restDuring } from '../src/node/rest.js';

/** Polls in every turn of the event loop, as Dawn's binding does. */
let polling = false;
function poll(): void {
  if (polling) setImmediate(poll);
}
afterEach(() => {
  polling = false;
});

/** Share of one core that this process takes while `work` is awaited. */
async function load(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - start);
}

it('lets the processor rest while something polls', async () => {
  polling = true;
  poll();
  const busy = await load(() => sleep(300));
  const resting = await load(async () => {
    const work = sleep(300);
    void restDuring(work);
    await work;
  });
  expect(resting).toBeLessThan(busy / 2);
});

it('goes on serving timers, and ends with the last of several waits, also with one that fails', async () => {
  const failing = sleep(30).then(() => Promise.reject(new Error('lost')));
  let ticks = 0;
  const ticker = setInterval(() => ticks++, 5);
  const rests = [restDuring(failing), restDuring(sleep(100))];
  await expect(failing).rejects.toThrow('lost');
  await Promise.all(rests);
  clearInterval(ticker);
  expect(ticks).toBeGreaterThan(5);
  const after = await load(() => sleep(50));
  expect(after).toBeLessThan(0.5);
});

it('is no slower for short waits in a row', async () => {
  polling = true;
  poll();
  const start = performance.now();
  for (let i = 0; i < 200; i++) {
    const work = new Promise((resolve) => setImmediate(resolve));
    void restDuring(work);
    await work;
  }
  expect(performance.now() - start).toBeLessThan(150); // 200 sleeps of a millisecond would be more
});
