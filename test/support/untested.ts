import { it } from 'vitest';

/** Says, on the console and in the name of a skipped test, what is not tested and why. */
export function describeUntested(name: string, why: string): void {
  console.warn(`NOT TESTED: ${name}: ${why}`);
  it.skip(`${name}: NOT TESTED, ${why}`, () => {});
}
