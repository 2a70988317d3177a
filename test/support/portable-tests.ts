import { beforeAll, describe, expect, it } from 'vitest';
import * as browser from '../../src/browser.js';
import * as batches from '../../src/data/batches.js';
import * as config from '../../src/train/config.js';
import { openTestGpu } from './gpu.js';
import { type CaseResults, runTraining, type TrainingResults } from './portable.mjs';

/** What portable.mjs takes from the library, some of it from within. */
export const library = { ...browser, ...batches, ...config };
const MODULES = ['dist/browser.js', 'dist/data/batches.js', 'dist/train/config.js'];

/**
 * JavaScript for another WebGPU.
 * @param base address of the repository's root
 * @param expression in which what portable.mjs exports takes `library`, the one that is built
 */
export function scriptOf(base: string, expression: string): string {
  const modules = ['test/support/portable.mjs', ...MODULES].map((path) => `import('${base}${path}')`);
  return `Promise.all([${modules.join(', ')}]).then(([{ runCases, runTraining, runSteps }, ...modules]) => {
    const library = Object.assign({}, ...modules);
    return ${expression};
  })`;
}

/** Another compiler has a thousand shaders before it, on as many cores as the machine has. */
const COMPILING = 600_000; // milliseconds

/** A test for each case of the registry, computed by another WebGPU. */
export function describeCases(name: string, results: () => Promise<unknown>): void {
  describe(name, () => {
    let cases: CaseResults['cases'];
    beforeAll(async () => {
      const found = (await results()) as CaseResults;
      console.log(`${name}: on ${found.adapter}, subgroups of ${found.subgroupSize} lanes`);
      cases = found.cases;
    }, COMPILING);

    for (const op of library.registry) {
      describe(op.name, () => {
        it.each(op.cases.map((shape, i) => [JSON.stringify(shape), i] as const))('%s', (_, number) => {
          const { compared, wrong } = cases[`${op.name} ${number}`];
          expect(wrong).toEqual([]);
          expect(compared).toBeGreaterThan(0);
        });
      });
    }
  });
}

/** A model trained by another WebGPU has the losses and recommends the items that one trained here has and does. */
export function testTraining(name: string, results: () => Promise<unknown>): void {
  it(
    name,
    async () => {
      const gpu = await openTestGpu();
      const [there, here] = [(await results()) as TrainingResults, await runTraining(library, gpu)];
      gpu.close();
      expect(here.losses).toHaveLength(20);
      expect(there.losses).toHaveLength(20);
      there.losses.forEach((loss, i) => {
        expect(Math.abs(loss / here.losses[i] - 1), `loss ${i}`).toBeLessThan(1e-4);
      });
      expect(there.top.map(({ item }) => item)).toEqual(here.top.map(({ item }) => item));
    },
    COMPILING,
  );
}
