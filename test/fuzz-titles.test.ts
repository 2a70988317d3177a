import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ItemFinder } from '../src/store/find.js';
import { parseSequences } from '../src/store/lines.js';
import { formatTitles, readItemNames, readUserNames } from '../src/store/titles.js';
import { anyText, fuzz, mutated, outcomeOf } from './support/fuzz.js';
import { refusesCheaply } from './support/memory.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();

/** Titles as shops have them, and hostile ones. */
const title = fc.oneof(
  anyText,
  fc.constantFrom(
    'Toy Story (1995)',
    'toy story',
    'The Matrix',
    'Matrix, The (1999)',
    '"quoted"',
    'a,b',
    '=1+1',
    '<img src=x onerror=alert(1)>',
    '((((',
    '()',
    '12',
    '#3',
  ),
  fc
    .array(fc.constantFrom('star', 'wars', 'the', 'of', 'é', 'É', 'ß', 'İ', '七人', '🎬'), { maxLength: 6 })
    .map((words) => words.join(' ')),
);

describe('a file of titles', () => {
  it('is read back as it was written', async () => {
    await fuzz(
      fc.array(
        title.filter((text) => !/\p{Cs}/u.test(text)),
        { maxLength: 8 },
      ),
      (titles) => {
        const map = new Map(titles.map((text, i) => [i + 1, text]));
        writeFileSync(at('a.csv'), formatTitles(map));
        expect(readItemNames(at('a.csv')).titles).toEqual(map);
      },
    );
  });

  it.each([
    ['items', readItemNames],
    ['users', readUserNames],
  ])('with faults in it is names of %s, or refused in one line', async (_, readNames) => {
    const good = Buffer.from(
      '\ufeffID, title,original_id\r\n1,"Toy ""Story"", (1995)",tt01\r\n2,Heat,tt02\n\n3,"two\nlines",tt03\n',
    );
    const other = Buffer.from('id,original_id\n1,"a,b"\n2,c\n');
    await fuzz(
      fc.oneof(
        mutated(good),
        mutated(other),
        anyText.map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        writeFileSync(at('b.csv'), bytes);
        const outcome = outcomeOf(() => readNames(at('b.csv')));
        if ('refused' in outcome) expect(outcome.refused).toContain(at('b.csv'));
      },
    );
  });

  it('of many short lines takes no more than ten times its size', async () => {
    const lines = Array.from({ length: 400_000 }, (_, i) => `${i + 1},Film ${i}`);
    writeFileSync(at('many.csv'), `id,title\n${lines.join('\n')}\n0,none\n`);
    expect(await refusesCheaply(at('many.csv'), 'store/titles.js', 'readItemNames')).toMatch(/line 400002: "0" is not/);
  });
});

describe('the finder', () => {
  it('answers any text, finds each item by what it is called, and says no more than there is', async () => {
    await fuzz(fc.tuple(fc.array(title, { minLength: 1, maxLength: 8 }), title), ([titles, text]) => {
      const names = { titles: new Map(titles.map((name, i) => [i + 1, name])), originals: new Map([[1, 'first']]) };
      const finder = new ItemFinder(names, titles.length);
      const found = finder.find(text);
      const items = 'item' in found ? [found.item] : found.kind === 'ambiguous' ? found.items : found.nearest;
      for (const item of [...items, ...finder.search(text, 5)]) expect(names.titles.has(item)).toBe(true);
      expect(finder.search(text, 5).length).toBeLessThanOrEqual(5);
      for (const part of finder.split(text)) expect(text).toContain(part);
      expect(finder.find('first')).toEqual({ kind: 'exact', item: 1 });
      expect(finder.describe(1)).toMatch(/^[^\p{Cc}]*$/u);
      const own = finder.find(titles[0]);
      if (
        /^\p{L}{3,}$/u.test(titles[0]) &&
        titles.filter((name) => name.toLowerCase() === titles[0].toLowerCase()).length === 1 &&
        titles[0] !== 'first'
      )
        expect(own).toEqual({ kind: 'exact', item: 1 });
    });
  });

  it.each([
    ['a long word', 'x'.repeat(60_000)],
    ['many words', 'xa yb '.repeat(10_000)],
    ['brackets', '('.repeat(60_000)],
    ['spaces', `${' '.repeat(60_000)}x`],
    ['marks', 'e\u0301'.repeat(20_000)],
  ])('is not held up by a text of %s, among many titles', (_, text) => {
    const words = 'alpha beta gamma delta star wars return king ring lord dark night city love'.split(' ');
    const titles = Array.from({ length: 20_000 }, (_, i) => `${words[i % 14]} ${words[(i >> 3) % 14]} ${i}`);
    const finder = new ItemFinder(
      { titles: new Map([...titles, text].map((name, i) => [i + 1, name])), originals: new Map() },
      20_001,
    );
    finder.find('alpha'); // makes the index
    const began = process.cpuUsage();
    finder.find(`${text}!`);
    finder.search(text, 10);
    finder.split(text);
    expect((process.cpuUsage(began).user + process.cpuUsage(began).system) / 1e6).toBeLessThan(2);
  });

  it('guesses at a word with a wrong letter as before, however many titles there are', () => {
    const titles = Array.from({ length: 20_000 }, (_, i) => `Volume ${i} of something`);
    titles[12_345] = 'Kind Hearts and Coronets (1949)';
    const finder = new ItemFinder(
      { titles: new Map(titles.map((name, i) => [i + 1, name])), originals: new Map() },
      20_000,
    );
    expect(finder.find('kind herts and coronets')).toEqual({ kind: 'similar', item: 12_346 });
  });
});

describe('a line of item ids', () => {
  it('is ids within the catalogue, or refused with its line', async () => {
    const piece = fc.oneof(
      fc.integer({ min: 0, max: 60 }).map(String),
      fc.constantFrom(' ', '\n', '\r\n', '\t', '-1', '1e1', '4294967297', '9'.repeat(400), '\0', '٣', '\ufeff'),
      anyText,
    );
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(' ')));
    await fuzz(fc.oneof(text, mutated(Buffer.from('1 2 3\n4 5\n6 7 8 9\n'))), (bytes) => {
      const outcome = outcomeOf(() => parseSequences(bytes, 'x.txt', 50));
      if ('refused' in outcome) return expect(outcome.refused).toMatch(/^x\.txt/);
      const lines = bytes.toString('latin1').replace(/\n$/, '').split('\n');
      expect(outcome.value.count).toBe(lines.length);
      lines.forEach((line, i) => {
        expect([...outcome.value.at(i)]).toEqual(
          line
            .trim()
            .split(/[ \t\r]+/)
            .map(Number),
        );
      });
    });
  });
});
