import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Item } from '../src/report/analysis.js';
import { writeReport } from '../src/report/report.js';
import { watchRun } from '../src/serve/watch.js';
import { openChromium } from './support/chromium.js';
import { faultsOf, LOOKS, type Look, look } from './support/looks.js';
import { ANALYSIS, fakeRun } from './support/run.js';
import { describeUntested } from './support/untested.js';

const WHAT = 'reports in a browser';

/** Ids as logs have them, without a place to break. */
const LONG: Item = { id: 7, title: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'.repeat(3) };
const EXAMPLE = { ...ANALYSIS.examples[0], name: 'B00'.repeat(40), history: [LONG], target: LONG, recommended: [LONG] };

const folder = mkdtempSync(join(tmpdir(), 'gsas-looks-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const failed = { stopped: 'failed', error: `the loss is NaN in ${'step'.repeat(50)}` } as const;
const whole = fakeRun(at(`a-name-${'as-long-as-this-one'.repeat(4)}`), {
  analysis: { ...ANALYSIS, examples: [EXAMPLE, ...ANALYSIS.examples] },
  options: { loss: 'gbce', gbce_t: 1 },
  session: failed,
});
const REPORTS = {
  'of a run': [whole],
  'before its analysis': [fakeRun(at('short'), { ndcg: [0.1] })],
  'of several': [whole, fakeRun(at('ce'), { options: { loss: 'ce' }, analysis: ANALYSIS })],
};

const browser = await openChromium();
if (!browser) describeUntested(WHAT, 'no Chromium could be started, see above');
else {
  afterAll(() => browser.close());
  const faults = async (address: string, how: Look) => {
    const looked = await look(browser, address, how);
    return faultsOf(looked).finally(looked.close);
  };

  describe.each(Object.entries(REPORTS))(`${WHAT}: %s`, (name, runs) => {
    it('has nothing wrong with it in light, in the dark and on a phone', async () => {
      const address = pathToFileURL(await writeReport(runs, at(`${name}.html`))).href;
      for (const how of Object.keys(LOOKS) as Look[]) expect(await faults(address, how), how).toEqual([]);
    });
  });

  it('follows a run without anything wrong with the page', async () => {
    const end = new AbortController();
    let ended: Promise<void> | undefined;
    const address = await new Promise<string>((onOpen, reject) => {
      ended = watchRun(whole, { port: 0, signal: end.signal, onOpen });
      ended.catch(reject);
    });
    expect(await faults(address, 'phone')).toEqual([]);
    end.abort();
    await ended;
  });
}
