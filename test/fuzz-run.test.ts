import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderMain } from '../src/report/page.js';
import { readRun } from '../src/report/run.js';
import { fuzz, lineOf, mutated } from './support/fuzz.js';
import { ANALYSIS, fakeRun } from './support/run.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();

describe("a run's folder", () => {
  let good: Map<string, Buffer>;
  let cases = 0;
  beforeAll(() => {
    fakeRun(at('run'), { analysis: ANALYSIS });
    good = new Map(readdirSync(at('run')).map((name) => [name, readFileSync(at('run', name))]));
  });

  it('with faults in one of its files is shown, or refused in one line that names it', async () => {
    const json = fc.oneof(
      fc.json(),
      fc.array(fc.json({ maxDepth: 2 }), { maxLength: 3 }).map((lines) => lines.join('\n')),
    );
    const fault = fc.constant(0).chain(() =>
      fc.constantFrom(...good.keys()).chain((name) =>
        fc.tuple(
          fc.constant(name),
          fc.oneof(
            mutated(good.get(name)!),
            json.map((text) => Buffer.from(text)),
          ),
        ),
      ),
    );
    await fuzz(fault, async ([name, bytes]) => {
      for (const [other, content] of good) writeFileSync(join(at('run'), other), other === name ? bytes : content);
      try {
        const run = readRun(at('run'));
        if (++cases % 10 > 0) return; // drawing takes most of the time
        expect((await renderMain([run])).text).not.toContain('<script>alert');
      } catch (error) {
        expect(lineOf(error)).toContain(at('run', name));
      }
    });
  });
});
