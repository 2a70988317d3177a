import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { printable } from '../src/base/printable.js';
import { alignColumns } from '../src/cli/output.js';
import { ItemFinder } from '../src/store/find.js';

const ESC = '\u001b';
/** Clears the screen, sets the window's title, reverses text, and continues on a second line. */
const HOSTILE = `Ran${ESC}[2J${ESC}]0;owned\u0007 \u009b31m\u202e(5891)\u2066\r\n2  forged  0.9`;
const SHOWN = 'Ran\\u001b[2J\\u001b]0;owned\\u0007 \\u009b31m\\u202e(5891)\\u2066 2  forged  0.9';

describe('what comes from outside', () => {
  it('is one line that a terminal only shows', () => {
    expect(printable(HOSTILE)).toBe(SHOWN);
    expect(printable('Amélie – “七人の侍” 🎬')).toBe('Amélie – “七人の侍” 🎬');
  });

  it('is the same JSON', () => {
    const value = { title: `${HOSTILE}\u2028\t"\\` };
    const text = printable(JSON.stringify(value));
    expect(text).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(JSON.parse(text)).toEqual(value);
  });

  it('cannot act in an error, a table or the description of an item', () => {
    expect(new InputError(`x: title ${HOSTILE}`).message).toBe(`x: title ${SHOWN}`);
    expect(alignColumns([['a'], [HOSTILE]])).toBe(`a\n${SHOWN}`);
    const finder = new ItemFinder({ titles: new Map([[1, HOSTILE]]), originals: new Map([[1, `${ESC}c`]]) }, 1);
    expect(finder.describe(1)).toMatch(/^\\u001bc "Ran\\u001b\[2J.*forged {2}0\.9"$/);
  });

  it('makes no error longer than a person reads, and leaves its advice', () => {
    const { message } = new InputError(`x.json: key "${'y'.repeat(1e6)}" is unknown; leave it out`);
    expect(message.length).toBeLessThan(2100);
    expect(message).toMatch(/^x\.json: key "y.* … y.*; leave it out$/);
  });
});
