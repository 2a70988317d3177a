import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll } from 'vitest';
import { openChromium } from './support/chromium.js';
import { describeCases, scriptOf, testTraining } from './support/portable-tests.js';
import { describeUntested } from './support/untested.js';

const WHAT = "kernels in Chromium's WebGPU";

const chromium = await openChromium({ webgpu: true });
if (!chromium) describeUntested(WHAT, 'no Chromium could be started, see above');
else {
  const server = serveLibrary();
  const run = (expression: string) => runInPage(chromium, server, expression);
  let runs: Promise<unknown>[] | undefined;
  /** Both variants of the kernels side by side: while one page compares, the other's kernels run. */
  const cases = () => {
    runs ??= [true, false].map((subgroups) => run(`runCases(library, { subgroups: ${subgroups} })`));
    runs[1].catch(() => {}); // reported where it is awaited
    return runs;
  };
  describeCases(`${WHAT}, subgroups true`, () => cases()[0]);
  describeCases(`${WHAT}, subgroups false`, () => cases()[1]);
  testTraining('trains and recommends in a page as in Node', () => run('runTraining(library)'));
  afterAll(async () => {
    await chromium.close();
    server.close();
  });
}

/** Serves the built library as a page without a bundler needs it: modules as they are, and a map for the one package that they import. */
function serveLibrary(): Server {
  const imports = { 'wgsl-preprocessor/': '/node_modules/wgsl-preprocessor/' };
  const page = `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({ imports })}</script>`;
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/') response.setHeader('content-type', 'text/html').end(page);
    else if (!/^\/(dist|test\/support|node_modules\/wgsl-preprocessor)\/[\w/.-]+\.m?js$/.test(url))
      response.writeHead(404).end();
    else {
      response.setHeader('content-type', 'text/javascript');
      response.end(readFileSync(fileURLToPath(new URL(`..${url}`, import.meta.url))));
    }
  });
  return server.listen(0, '127.0.0.1');
}

async function runInPage(browser: Browser, server: Server, expression: string): Promise<unknown> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return page.evaluate(scriptOf('/', expression)); // as text, for vitest rewrites an import in code
}
