import Benchmark from 'benchmark';

/**
 * Milliseconds that `work` takes, GPU work that it awaits included, on Benchmark.js's clock. One run a call, because benches do things in between that
 * are not to be timed: another implementation's turn, a backward's forward.
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
  /** The least and the most runs, whatever time they take. */
  least: number;
  most: number;
}

/**
 * What each of the turns returns, as many as the effort allows. A first turn, which compiles and allocates, is not kept.
 */
export async function repeat<T>(turn: () => Promise<T>, { seconds, least, most }: Effort): Promise<T[]> {
  await turn();
  const results: T[] = [];
  const end = performance.now() + 1000 * seconds;
  while (results.length < least || (results.length < most && performance.now() < end)) results.push(await turn());
  return results;
}
