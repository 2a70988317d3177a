import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** How every page is looked at. The phone is the narrowest that WCAG 2.2 asks for (1.4.10, Reflow). */
export const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 320, height: 640 }, hasTouch: true },
} satisfies Record<string, BrowserContextOptions>;

export type Look = keyof typeof LOOKS;

/** An open page, and what went wrong in it so far. */
export interface Looked {
  readonly page: Page;
  /** Errors of scripts and on the console, and requests to other hosts. */
  readonly troubles: string[];
  close(): Promise<void>;
}

/** Opens an address in a context of its own. */
export async function look(browser: Browser, address: string, how: Look): Promise<Looked> {
  const context = await browser.newContext(LOOKS[how]);
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  const { host } = new URL(address);
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.host !== host) troubles.push(`asks for ${url}`);
  });
  await page.goto(address);
  return { page, troubles, close: () => context.close() };
}

/** The smallest letters that are easy to read, in pixels of the screen. */
const LEAST_TEXT = 12;

/**
 * What is wrong with a page: violations of WCAG and of best practices that axe finds, each with where it is; text smaller than 12 pixels on the screen,
 * drawings included; a page wider than its screen; and its troubles. Nothing for a good page, so tests expect [].
 */
export async function faultsOf({ page, troubles }: Looked): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const small: string[] = await page.evaluate(`(${SMALL_TEXT})(${LEAST_TEXT})`);
  const excess: number = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  return [
    ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
    ...small.map((text) => `small text: ${text}`),
    ...(excess > 0 ? [`${excess} pixels wider than the screen`] : []),
    ...troubles,
  ];
}

/** Runs in a page: texts whose letters are lower than `least` pixels, after the scaling of a drawing. As text, since tests have no types of the DOM. */
const SMALL_TEXT = `(least) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const small = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    const words = node.textContent.trim();
    if (words === '' || parent.closest('script, style') || parent.getClientRects().length === 0) continue;
    const { a, b } = parent instanceof SVGGraphicsElement ? parent.getScreenCTM() : { a: 1, b: 0 };
    const pixels = parseFloat(getComputedStyle(parent).fontSize) * Math.hypot(a, b);
    if (pixels < least - 0.01) small.push(words.slice(0, 40) + ', ' + pixels.toFixed(1) + ' px');
  }
  return small;
}`;
