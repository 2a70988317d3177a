import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseValue } from '../src/base/options.js';
import { checkOptions, optionTable, resolveConfig, type TrainOptions } from '../src/train/config.js';
import { parseFlag } from '../src/train/flags.js';
import { anyText, fuzz, lineOf, outcomeOf } from './support/fuzz.js';

const table = optionTable();
const KEYS = Object.keys(table) as (keyof TrainOptions)[];

describe('an option', () => {
  it('takes a text that says a value of its own, and refuses every other in one line', async () => {
    await fuzz(fc.tuple(fc.constantFrom(...KEYS), anyText), ([key, text]) => {
      const outcome = outcomeOf(() => parseFlag(key, text));
      if ('refused' in outcome) return expect(outcome.refused).toContain(key.replaceAll('_', '-'));
      const { value } = outcome;
      if (typeof value === 'number') expect(value).toBe(Number(text));
      else expect(String(value ?? 'none')).toBe(text);
      expect(outcomeOf(() => checkOptions({ [key]: value }, 'again'))).toEqual({ value: { [key]: value } });
    });
  });

  it('holds its bounds whatever the number', async () => {
    const numeric = KEYS.filter((key) => table[key].type === 'integer' || table[key].type === 'number');
    const number = fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger());
    await fuzz(fc.tuple(fc.constantFrom(...numeric), number), ([key, value]) => {
      const outcome = outcomeOf(() => parseValue(key, String(value), table[key], 'x'));
      const {
        type,
        min = -Infinity,
        max = Infinity,
        above = -Infinity,
        below = Infinity,
      } = table[key] as {
        type: string;
      } & Record<'min' | 'max' | 'above' | 'below', number | undefined>;
      const whole = type === 'number' || Number.isSafeInteger(value);
      expect('value' in outcome).toBe(whole && value >= min && value <= max && value > above && value < below);
    });
  });
});

describe('a configuration of anything', () => {
  const value = fc.oneof(
    fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }),
    anyText,
    fc.integer(),
  );
  const object = fc.oneof(
    fc.dictionary(fc.oneof(fc.constantFrom<string>(...KEYS), anyText), value),
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }),
  );

  it('is refused in one line, or is made of options alone', async () => {
    await fuzz(object, (values) => {
      let options: TrainOptions;
      try {
        options = resolveConfig(57, [checkOptions(values, 'x.json')], 'x.json');
      } catch (error) {
        return expect(lineOf(error)).toMatch(/^x\.json: /);
      }
      expect(Object.keys(options).sort()).toEqual([...Object.keys(optionTable(options.model)), 'num_items'].sort());
      expect(Object.getPrototypeOf(options)).toBe(Object.prototype);
    });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
