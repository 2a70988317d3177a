import { beforeAll, describe, expect, it } from 'vitest';
import { registry } from '../../src/kernels/registry.js';

/** What `runCases` of run-cases.mjs returns. */
export interface CaseResults {
  adapter: string;
  subgroupSize: number;
  cases: Record<string, { compared: number; wrong: string[] }>;
}

/** A test for each case of the registry, of what another WebGPU has computed. `run` is awaited for up to five minutes. */
export function describeCases(name: string, run: () => Promise<CaseResults>): void {
  describe(name, () => {
    let results: CaseResults;
    beforeAll(async () => {
      results = await run();
      console.log(`${name}: on ${results.adapter}, subgroups of ${results.subgroupSize} lanes`);
    }, 300_000);

    for (const op of registry) {
      describe(op.name, () => {
        it.each(op.cases.map((shape, i) => [JSON.stringify(shape), i] as const))('%s', (_, number) => {
          const { compared, wrong } = results.cases[`${op.name} ${number}`];
          expect(wrong).toEqual([]);
          expect(compared).toBeGreaterThan(0);
        });
      });
    }
  });
}

/** Says aloud, and in the name of a test that is skipped, what is not tested and why. */
export function describeUntested(name: string, why: string): void {
  console.warn(`NOT TESTED: ${name}: ${why}`);
  it.skip(`${name}: NOT TESTED, ${why}`, () => {});
}
