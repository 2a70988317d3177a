import { it, type TestContext } from 'vitest';

/** Says, on the console and in the name of a skipped test, what is not tested and why. */
export function describeUntested(name: string, why: string): void {
  console.warn(`NOT TESTED: ${name}: ${why}`);
  it.skip(`${name}: NOT TESTED, ${why}`, () => {});
}

/** The same within a test, for what is known only once it runs. */
export function skipUntested({ task, skip }: TestContext, why: string): never {
  console.warn(`NOT TESTED: ${task.name}: ${why}`);
  return skip(`NOT TESTED, ${why}`);
}
