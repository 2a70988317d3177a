import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll } from 'vitest';
import { openChromium } from './support/chromium.js';
import { type CaseResults, describeCases, describeUntested } from './support/portable.js';

const WHAT = "kernels in Chromium's WebGPU";

const chromium = await openChromium({ webgpu: true });
if (!chromium) describeUntested(WHAT, 'no Chromium could be started, see above');
else {
  const server = serveLibrary();
  // Side by side: while one page compares, the other's kernels run.
  const runs = [true, false].map((subgroups) => runInPage(chromium, server, subgroups));
  for (const run of runs) run.catch(() => {}); // reported where it is awaited
  describeCases(`${WHAT}, subgroups true`, () => runs[0]);
  describeCases(`${WHAT}, subgroups false`, () => runs[1]);
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

async function runInPage(browser: Browser, server: Server, subgroups: boolean): Promise<CaseResults> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  // As text, for vitest rewrites an import in code.
  return page.evaluate(`Promise.all([import('/test/support/run-cases.mjs'), import('/dist/browser.js')])
    .then(([{ runCases }, library]) => runCases(library, { subgroups: ${subgroups} }))`);
}
