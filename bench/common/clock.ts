import Benchmark from 'benchmark';

/**
 * Milliseconds that `work` takes, including GPU work that it awaits, on Benchmark.js's clock. One run per call, because benches do things in between that
 * must not be timed: another implementation's turn, a backward's forward.
 */
export function clock(work: () => Promise<unknown>): Promise<number> {
  return new Promise((resolve, reject) => {
    const benchmark = new Benchmark({
      defer: true,
      // One sample of one run: by default Benchmark.js repeats a run until it has lasted 50 ms, and samples for five seconds.
      minSamples: 1,
      minTime: Number.MIN_VALUE,
      maxTime: -1,
      delay: 0,
      fn: (deferred: { resolve(): void }) => {
        work().then(() => deferred.resolve(), reject);
      },
      onComplete: () => resolve(1000 * benchmark.stats.sample[0]),
    });
    benchmark.run({ async: true });
  });
}

/** How long to go on measuring. */
export interface Effort {
  /** How long to repeat one measurement. */
  seconds: number;
  /** The fewest and the most runs, however long they take. */
  least: number;
  most: number;
}

/**
 * The results of as many turns as the effort allows. The first turn, which compiles and allocates, is dropped.
 */
export async function repeat<T>(turn: () => Promise<T>, { seconds, least, most }: Effort): Promise<T[]> {
  await turn();
  const results: T[] = [];
  const end = performance.now() + 1000 * seconds;
  while (results.length < least || (results.length < most && performance.now() < end)) results.push(await turn());
  return results;
}
