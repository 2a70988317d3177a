import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchRun } from '../src/serve/watch.js';
import { openChromium } from './support/chromium.js';
import { look } from './support/looks.js';
import { fakeRun, validationLine } from './support/run.js';
import { describeUntested } from './support/untested.js';

const WHAT = 'the page that follows a run';

let run: string;
let end: AbortController;
let ended: Promise<void>;
beforeEach(() => {
  run = fakeRun(mkdtempSync(join(tmpdir(), 'gsas-watch-page-')), { ndcg: [0.1] });
});
afterEach(async () => {
  end.abort();
  await ended;
  rmSync(run, { recursive: true });
});

function watch(port = 0): Promise<string> {
  end = new AbortController();
  return new Promise((onOpen, reject) => {
    ended = watchRun(run, { port, signal: end.signal, onOpen });
    ended.catch(reject);
  });
}
const validate = (epoch: number, ndcg: number) =>
  appendFileSync(join(run, 'metrics.jsonl'), validationLine(epoch, ndcg));

const browser = await openChromium();
if (!browser) describeUntested(WHAT, 'no Chromium could be started, see above');
else {
  afterAll(() => browser.close());
  const best = '.figures dd';
  /** The first drawing is the slowest, and the server rests for ten times as long. */
  const LIVE_MS = { timeout: 90_000 };

  describe(WHAT, () => {
    it('shows what is new, leaves what is not as it was, and says when its server has ended', async () => {
      const { page, troubles } = await look(browser, await watch(), 'light');
      expect(await page.locator(best).first().textContent()).toBe('0.1000');
      const kept = await page.locator('#report > :last-child').elementHandle();
      validate(2, 0.75);
      await expect.poll(() => page.locator(best).first().textContent(), LIVE_MS).toBe('0.7500');
      expect(await kept!.evaluate((part) => part.isConnected)).toBe(true);
      expect(await page.textContent('#live')).toBe('');
      end.abort();
      await expect.poll(() => page.textContent('#live')).toBe('The server has ended. This page stays as it is.');
      expect(await page.locator(best).first().textContent()).toBe('0.7500');
      expect(troubles).toEqual([]); // the policy forbids nothing that the page does
      await page.context().close();
    });

    it('waits with what is new until no text is selected', async () => {
      const { page, close } = await look(browser, await watch(), 'light');
      await page.evaluate(`getSelection().selectAllChildren(document.querySelector('h1'))`);
      validate(2, 0.75);
      await expect.poll(() => page.evaluate('newest !== undefined'), LIVE_MS).toBe(true);
      expect(await page.locator(best).first().textContent()).toBe('0.1000');
      await page.evaluate('getSelection().removeAllRanges()');
      await expect.poll(() => page.locator(best).first().textContent()).toBe('0.7500');
      await close();
    });

    it('catches up when a server that had gone is there again', async () => {
      const address = await watch();
      const { page, close } = await look(browser, address, 'phone');
      // A connection that breaks, not one that is ended.
      await page.context().setOffline(true);
      await page.evaluate(`source.dispatchEvent(new Event('error'))`);
      expect(await page.textContent('#live')).toMatch(/^The server cannot be reached/);
      validate(2, 0.75);
      await page.context().setOffline(false);
      await page.evaluate(`source.dispatchEvent(new Event('open'))`);
      await expect.poll(() => page.locator(best).first().textContent(), LIVE_MS).toBe('0.7500');
      expect(await page.textContent('#live')).toBe('');
      await close();
    });

    it('lets no script but its own run', async () => {
      const address = await watch();
      const policy = (await fetch(address)).headers.get('content-security-policy');
      expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; /);
      const { page, close } = await look(browser, address, 'light');
      const ran = await page.evaluate(`(() => {
        const script = document.createElement('script');
        script.textContent = 'window.intruded = true';
        document.body.append(script);
        return window.intruded === true;
      })()`);
      expect(ran).toBe(false);
      await close();
    });
  });
}
