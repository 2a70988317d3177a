import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sequences } from '../src/data/dataset.js';
import type { Gpu } from '../src/engine/gpu.js';
import { popularity } from '../src/infer/baselines.js';
import { influence } from '../src/infer/influence.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { initialParameters } from '../src/model/parameters.js';
import { serve } from '../src/serve/serve.js';
import type { RecommendReply, ServedModel } from '../src/serve/service.js';
import { resolveConfig } from '../src/train/config.js';
import { openChromium } from './support/chromium.js';
import { openTestGpu } from './support/gpu.js';
import { faultsOf, LOOKS, type Look, look } from './support/looks.js';
import { describeUntested } from './support/untested.js';

const WHAT = 'the page of serve';

const N = 40;
const config = resolveConfig(N, [{ embedding_dim: 16, num_heads: 2, num_blocks: 2, sequence_length: 6, gbce_t: 1 }]);
const checkpoint = { config, step: 7, epoch: 1, metrics: {}, weights: initialParameters(config, { seed: 2 }) };
const titles = new Map(Array.from({ length: N }, (_, i) => [i + 1, `Film <b>${i + 1}</b> ${'ABCD'[i % 4]}`]));
titles.set(21, `A${'n'.repeat(300)} Unbroken Title`);
titles.set(22, 'Star \u202eeht\u202c Wars');
const counts = new Map(Array.from({ length: N }, (_, i) => [i + 1, i === 4 ? 900 : 100 - i]));
const categories = new Map(
  [...titles.keys()].filter((item) => item % 5 > 0).map((item) => [item, `genre ${item % 5}`]),
);
const card = {
  run: 'films & more',
  data: { name: 'cinema', users: 1200, items: N, interactions: 34_567, meanLength: 28.8 },
  quality: {
    split: 'test',
    metrics: [
      { name: 'NDCG@10', value: 0.1234, compared: [{ name: 'popularity', value: 0.0567 }] },
      { name: 'Recall@10', value: 0.25, compared: [] },
    ],
  },
} as const;

const browser = await openChromium();
if (!browser) describeUntested(WHAT, 'no Chromium could be started, see above');
else {
  let gpu: Gpu;
  let recommender: NeuralRecommender;
  let address: string;
  let served: Promise<void>;
  const end = new AbortController();

  /** Serves a model until the signal; the address. */
  async function start(model: ServedModel, signal: AbortSignal): Promise<{ at: string; ended: Promise<void> }> {
    let ended!: Promise<void>;
    const at = await new Promise<string>((onOpen, reject) => {
      ended = serve(model, { port: 0, signal, onOpen });
      ended.catch(reject);
    });
    return { at, ended };
  }

  beforeAll(async () => {
    gpu = await openTestGpu();
    recommender = NeuralRecommender.on(gpu, checkpoint);
    // What the model puts first after the history is what came next for one user, and for another something that it does not list.
    const [list] = await recommender.top([[4, 9, 2]], { top: N });
    const examples = () => [
      { user: 'u/1', history: [4, 9, 2], next: list[2].item },
      { user: 'u<2>', history: [4, 9, 2], next: list.at(-1)!.item },
      { user: 'newcomer', history: [21] },
    ];
    const names = { titles, originals: new Map([[3, "it's-3"]]), categories, counts };
    const { at, ended } = await start({ recommender, names, step: 7, card, examples }, end.signal);
    address = at;
    served = ended;
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    end.abort();
    await served;
    gpu.close();
  });

  const pageAt = async (at = address) => {
    const page = await browser.newPage();
    await page.goto(at);
    return page;
  };
  const recommended = (page: Page) => page.locator('#recommended li').first().waitFor();

  describe(WHAT, () => {
    it('lets a person pick items, shows what comes next and what the model looked at', async () => {
      const { page, troubles } = await look(browser, address, 'light');
      await page.fill('#search', '17');
      await page.locator('#found li', { hasText: 'Film <b>17</b>' }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.locator('#recommended li').first().waitFor();
      expect(await page.locator('#picked .name').allTextContents()).toEqual([titles.get(17)]);
      // A title with marks of bidirectional text turns nothing else around.
      const style = "getComputedStyle(document.querySelector('#picked .name')).unicodeBidi";
      expect(await page.evaluate(style)).toBe('isolate');
      expect(await page.locator('#recommended li').count()).toBe(12);
      expect(await page.textContent('#note')).toMatch(/^12 of 40 items, in \d+ ms$/);
      expect(await page.textContent('#unit')).toBe('probability');

      const next = (await page.locator('#recommended .name').first().textContent())!;
      await page.locator('#recommended .name').first().click();
      await page.locator('#picked li').nth(1).waitFor();
      expect(await page.locator('#picked .name').allTextContents()).toEqual([titles.get(17), next]);
      expect(await page.locator('#recommended .name').allTextContents()).not.toContain(next);
      const shares = (await page.locator('#picked .share').allTextContents()).map((text) => Number.parseFloat(text));
      expect(shares.reduce((a, b) => a + b)).toBeGreaterThan(98);
      const lengths = await page
        .locator('#picked .bar')
        .evaluateAll((bars) => bars.map((bar) => (100 * bar.clientWidth) / bar.parentElement!.clientWidth));
      for (const [i, length] of lengths.entries()) expect(Math.abs(length - shares[i])).toBeLessThan(1); // apart from rounding

      await page.reload(); // the picks stand in the address
      await page.locator('#picked li').nth(1).waitFor();
      await page.getByRole('button', { name: `Remove ${next}` }).click();
      await expect.poll(() => page.locator('#picked li').count()).toBe(1);
      await page.click('#clear');
      await expect.poll(() => page.locator('#recommended li').count()).toBe(0);
      expect(new URL(page.url()).hash).toBe('');
      expect(troubles).toEqual([]);
    });

    it('names the scores of a model without probabilities, and what they can be compared with', async () => {
      const page = await browser.newPage();
      await page.route('**/recommend', async (route) => {
        const response = await route.fetch();
        const { items, ...reply } = (await response.json()) as RecommendReply;
        await route.fulfill({ json: { ...reply, items: items.map(({ probability: _, ...item }) => item) } });
      });
      await page.goto(`${address}#17`);
      await page.locator('#recommended li').first().waitFor();
      expect(await page.textContent('#unit')).toBe('score');
      expect(await page.getAttribute('#unit', 'title')).toMatch(/^Logits.*those of another answer.*not comparable/);
      expect(await page.locator('#recommended .share').first().textContent()).toMatch(/^−?\d+\.\d\d$/);
    });

    it('says nothing of attention, data or quality where a baseline answers', async () => {
      const none = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
      const train = Sequences.from([[1, 2, 3], [2, 3], [3]]);
      const dataset = { name: 'tiny', numItems: 4, train, val: none, test: none };
      const stop = new AbortController();
      const names = { titles, originals: new Map() };
      const { at, ended } = await start({ recommender: popularity(dataset), names, filterRated: false }, stop.signal);
      const page = await pageAt(`${at}#3,2`);
      await recommended(page);
      expect(await page.locator('.attention:visible, #picked .bar, #picked .share, .reasons').count()).toBe(0);
      expect(await page.locator('#recommended .share').allTextContents()).toEqual(['3.00', '2.00', '1.00', '0.00']);
      expect(await page.getAttribute('#unit', 'title')).toBe('scores are occurrences in training');
      expect(await page.textContent('#about')).toBe('popularity · 4 items');
      expect(await page.locator('#quality div').count()).toBe(0);
      await page.click('#clear');
      await expect.poll(() => page.locator('#some li').count()).toBe(4);
      expect(await page.getByText('Start with a user').isVisible()).toBe(false);
      stop.abort();
      await ended;
    });

    it('begins with the model, its data and its quality, and what is popular', async () => {
      const page = await pageAt();
      await expect
        .poll(() => page.textContent('#about'))
        .toBe('films & more · gSASRec · cinema · 1,200 users, 40 items, 34,567 interactions');
      expect(await page.locator('#quality div').allTextContents()).toEqual([
        'NDCG@10, test split0.1234popularity 0.0567',
        'Recall@10, test split0.2500',
      ]);
      await page.locator('#some li').first().waitFor();
      expect((await page.locator('#some li').allTextContents()).slice(0, 2)).toEqual([titles.get(5), titles.get(1)]);
    });

    it('tries a user of the data, and marks what they went on to', async () => {
      const page = await pageAt();
      await page.getByRole('button', { name: 'User u/1' }).click();
      await recommended(page);
      expect(await page.locator('#picked .name').allTextContents()).toEqual([4, 9, 2].map((item) => titles.get(item)));
      const third = await page.locator('#recommended li').nth(2).locator('.name').textContent();
      expect(await page.locator('#recommended .hit .name').allTextContents()).toEqual([third]);
      expect(await page.textContent('#went')).toBe(`User u/1 went on to ${third}, number 3 here.`);
      await page.locator('#picked .remove').first().click();
      await expect.poll(() => page.textContent('#went')).toBe(''); // it is no longer that user's history
      expect(await page.locator('#recommended .hit').count()).toBe(0);
      await page.click('#clear');
      await page.getByRole('button', { name: 'User u<2>' }).click();
      await expect
        .poll(() => page.textContent('#went'))
        .toMatch(/^User u<2> went on to .*, which is not among these\.$/);
      await page.click('#clear');
      await page.getByRole('button', { name: 'User newcomer' }).click();
      await recommended(page);
      expect(await page.textContent('#went')).toBe('');
    });

    it('brings the answer into view on a phone, where it is below the history', async () => {
      const { page, close } = await look(browser, address, 'phone');
      await page.getByRole('button', { name: 'User u/1' }).click();
      await recommended(page);
      const box = await page.locator('#results').boundingBox();
      expect(box!.y).toBeGreaterThan(-1); // apart from rounding
      expect(box!.y).toBeLessThan(LOOKS.phone.viewport.height / 2);
      await close();
    });

    it('looks again at the model when one comes back to it, as it may have been replaced', async () => {
      const page = await pageAt();
      await expect.poll(() => page.textContent('#about')).toContain('films & more');
      await page.route('**/health', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ json: { ...((await response.json()) as object), run: 'a newer one' } });
      });
      await page.evaluate(`dispatchEvent(new Event('focus'))`);
      await expect.poll(() => page.textContent('#about')).toContain('a newer one');
    });

    it('searches while one types, says when nothing is found, and covers nothing of the page', async () => {
      const page = await pageAt(`${address}#4,9`);
      await recommended(page);
      const found = page.locator('#found li .name');
      const below = await page.locator('#picked').boundingBox();
      await page.fill('#search', 'film');
      await found.first().waitFor();
      expect(await found.first().textContent()).toBe(titles.get(5)); // the most popular
      const categoriesOf = (place: number) =>
        page.locator('#found li').nth(place).locator('.category').allTextContents();
      expect(await categoriesOf(0)).toEqual([]);
      expect(await categoriesOf(1)).toEqual(['genre 1']);
      const [list, picked, answer] = await Promise.all(
        ['#found', '#picked', '#recommended'].map((part) => page.locator(part).boundingBox()),
      );
      expect(list!.y + list!.height).toBeLessThanOrEqual(picked!.y);
      expect(picked!.y).toBeGreaterThan(below!.y);
      expect(list!.x + list!.width).toBeLessThanOrEqual(answer!.x);
      await page.keyboard.press('ArrowUp');
      expect(await page.getAttribute('#search', 'aria-activedescendant')).toBe('found7');
      expect(await page.getAttribute('#found7', 'aria-selected')).toBe('true');
      await page.keyboard.press('Escape');
      expect(await page.isVisible('#found')).toBe(false);
      await page.fill('#search', 'qqxzzy');
      await page.getByText('Nothing found for “qqxzzy”.').waitFor();
      expect(await page.getAttribute('#search', 'aria-expanded')).toBe('false');
      await page.keyboard.press('Enter'); // picks nothing
      expect(await page.locator('#picked li').count()).toBe(2);
      await page.fill('#search', 'star');
      await found.first().waitFor();
      await page.locator('#found li').first().click();
      await expect.poll(() => page.locator('#picked li').count()).toBe(3);
      expect(await page.isVisible('#found')).toBe(false);
      await page.keyboard.press('Backspace'); // in the empty box: takes the last one back
      await expect.poll(() => page.locator('#picked li').count()).toBe(2);
    });

    it('says which items of the history raised each score, and by how much', async () => {
      const history = [4, 9, 2];
      const [list] = await recommender.top([history], { top: 12 });
      const changes = await influence(
        recommender,
        history,
        list.map(({ item }) => item),
      );
      const page = await pageAt(`${address}#${history}`);
      await recommended(page);
      for (const [i, change] of changes.entries()) {
        const order = [...history.keys()].sort((a, b) => change[b] - change[a]);
        const card = page.locator('#recommended > li').nth(i);
        const name = titles.get(history[order[0]]);
        const summary = change[order[0]] > 0 ? `because of ${name}` : 'in spite of the history';
        expect(await card.locator('summary').textContent()).toBe(summary);
        expect(await card.locator('.reason .of').allTextContents()).toEqual(order.map((at) => titles.get(history[at])));
        const shown = order.map((at) => `${change[at] < 0 ? '−' : '+'}${Math.abs(change[at]).toFixed(2)}`);
        expect(await card.locator('.reason .by').allTextContents()).toEqual(shown);
      }
      const first = page.locator('#recommended > li').first();
      expect(await first.locator('.reason').first().isVisible()).toBe(false);
      await first.locator('summary').click();
      expect(await first.locator('.reason').first().isVisible()).toBe(true);
    });

    it('shows the request for a program, which gives the same answer', async () => {
      const page = await pageAt(`${address}#3,9`);
      await recommended(page);
      await page.getByText('The same from a program').click();
      const command = (await page.textContent('#request'))!;
      const [, url, body] = /^curl (\S+) -d '(.*)'$/.exec(command)!;
      expect(url).toBe(`${address}recommend`);
      expect(body).toContain("it'\\''s-3"); // as a shell wants it
      const response = await fetch(url, { method: 'POST', body: body.replaceAll("'\\''", "'") });
      expect(JSON.parse((await page.textContent('#answer'))!)).toEqual(await response.json());
      await page.click('#copy');
      await expect.poll(() => page.textContent('#copied')).not.toBe('');
    });

    it('shows what is wrong, and goes on', async () => {
      const page = await pageAt(`${address}#${N + 1}`);
      await expect.poll(() => page.textContent('#note')).toMatch(/^history has no item of this model/);
      await page.fill('#search', '17');
      await page.locator('#found li').first().click();
      await recommended(page);
      expect(await page.textContent('#note')).toMatch(/^12 of 40 items/);
    });

    it.each(Object.keys(LOOKS) as Look[])('is without fault to axe and on the screen: %s', async (how) => {
      const seen = await look(browser, address, how);
      const { page } = seen;
      await page.locator('#users li').first().waitFor();
      await page.locator('#some li').first().waitFor();
      await page.fill('#search', 'film');
      await page.locator('#found li').first().waitFor();
      await page.keyboard.press('ArrowDown');
      expect(await faultsOf(seen)).toEqual([]);
      await page.fill('#search', 'qqxzzy');
      await page.locator('#nothing:visible').waitFor();
      expect(await faultsOf(seen)).toEqual([]);
      await page.goto(`${address}#21,22,3,4,9`);
      await recommended(page);
      await page.locator('summary').first().click();
      await page.getByText('The same from a program').click();
      expect(await faultsOf(seen)).toEqual([]);
      await seen.close();
    });
  });
}
