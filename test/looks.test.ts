import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { openChromium } from './support/chromium.js';
import { faultsOf, LOOKS, type Look, look } from './support/looks.js';
import { describeUntested } from './support/untested.js';

const WHAT = 'what is wrong with a page';

const GOOD = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>Good</title><style>:root { color-scheme: light dark }</style><main><h1>Good</h1><p>Nothing is wrong here.</p></main>`;

const BAD: readonly [name: string, page: string, fault: RegExp][] = [
  ['contrast', GOOD.replace('<p>', '<p style="color: #999; background: #fff">'), /^color-contrast: p$/],
  ['an image without words', GOOD.replace('<p>', '<p><img src="data:,">'), /^image-alt: img$/],
  [
    'small letters',
    GOOD.replace('<p>', '<p style="font-size: 11px">'),
    /^small text: Nothing is wrong here\., 11\.0 px$/,
  ],
  [
    'letters of a drawing that is shrunk',
    GOOD.replace('<p>', '<svg viewBox="0 0 200 20" width="100"><text transform="rotate(-90)">ab</text></svg><p>'),
    /^small text: ab, 8\.0 px$/,
  ],
  ['width', GOOD.replace('<p>', '<p style="width: 2000px">'), /^\d+ pixels wider than the screen$/],
  ['an error', GOOD.replace('<p>', '<script>throw new Error("no")</script><p>'), /^no$/],
  [
    'another host',
    GOOD.replace('<p>', '<img alt="" src="http://127.0.0.2:9/x.png"><p>'),
    /^asks for http:\/\/127\.0\.0\.2/,
  ],
];

const browser = await openChromium();
if (!browser) describeUntested(WHAT, 'no Chromium could be started, see above');
else {
  describe(WHAT, () => {
    let served = '';
    const server: Server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(served));
    server.listen(0, '127.0.0.1');
    afterAll(async () => {
      await browser.close();
      server.close();
    });
    const faults = async (page: string, how: Look) => {
      served = page;
      const looked = await look(browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, how);
      return faultsOf(looked).finally(looked.close);
    };

    it.each(Object.keys(LOOKS) as Look[])('is nothing where it is good: %s', async (how) => {
      expect(await faults(GOOD, how)).toEqual([]);
    });
    it.each(BAD)('is found: %s', async (_, page, fault) => {
      expect(await faults(page, 'light')).toContainEqual(expect.stringMatching(fault));
    });
  });
}
