import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readConfigFile } from '../src/store/config-file.js';
import { optionTable } from '../src/train/config.js';
import { PRESETS } from '../src/train/presets.js';
import { anyText, fuzz, mutated, outcomeOf } from './support/fuzz.js';
import { refusesCheaply } from './support/memory.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();
const KEYS = Object.keys(optionTable());

/** Reads a text as a configuration: a value with only known keys, or one line that names the file. */
function read(content: string | Uint8Array) {
  writeFileSync(at('x.yaml'), content);
  const outcome = outcomeOf(() => readConfigFile(at('x.yaml')));
  if ('refused' in outcome) expect(outcome.refused).toContain(at('x.yaml'));
  else {
    expect(KEYS).toEqual(expect.arrayContaining(Object.keys(outcome.value.options)));
    expect(Object.getPrototypeOf(outcome.value.options)).toBe(Object.prototype);
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  return outcome;
}

const yamlPiece = fc.oneof(
  fc.constantFrom(...KEYS.map((key) => `${key}: `), 'preset: ', 'data: ', '__proto__: ', 'constructor: ', '<<: ', '? '),
  fc.constantFrom(
    '&a ',
    '*a',
    '!!js/function ',
    '!!binary ',
    '!!set ',
    '|\n  ',
    '>-\n  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '\n',
    '\n  ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '#',
    "'",
    '"',
    '\t',
  ),
  fc.constantFrom(
    '0.5',
    '1e3',
    'none',
    'null',
    '~',
    'true',
    'no',
    '0o17',
    '.inf',
    '.nan',
    '2001-01-01',
    '12e99',
    '1_000',
  ),
  anyText,
);

describe('a configuration file', () => {
  it('of any text is options alone, or one line', async () => {
    await fuzz(
      fc.oneof(
        fc.array(yamlPiece, { maxLength: 30 }).map((pieces) => pieces.join('')),
        anyText,
      ),
      (text) => void read(text),
    );
  });

  it('of any JSON is options alone, or one line', async () => {
    const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.double());
    await fuzz(fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), anyText), value), (values) => {
      const text = JSON.stringify(values);
      const outcome = read(text);
      if ('value' in outcome)
        expect(outcome.value.options).toEqual(JSON.parse(text, (_, given) => (given === 'none' ? null : given)));
    });
  });

  it('with faults in it is options alone, or one line', async () => {
    const real = Buffer.from(
      `# quick\n${stringify({ ...PRESETS.quick, max_steps: 'none' })}data: ../data\nout: "runs/a"\n`,
    );
    await fuzz(mutated(real), (bytes) => void read(bytes));
  });

  it.each([
    ['lists in lists', '['.repeat(60_000)],
    ['lists in lists that end', `lr: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['maps in maps', `lr: ${'{a: '.repeat(10_000)}`],
    ['lists by dashes', `lr:\n${'- '.repeat(30_000)}`],
    ['brackets left open in keys', '? '.repeat(30_000)],
  ])('of %s is refused in one line', (_, text) => {
    expect(read(text)).toHaveProperty('refused');
  });

  it('of aliases is no bomb', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`);
    expect(read(`a0: &a0 lol\n${levels.join('\n')}\nlr: *a30\n`)).toHaveProperty('refused');
    expect(read(`lr: &a [*a, *a]\n`)).toHaveProperty('refused');
  });

  it('that is none for its size takes no memory', async () => {
    writeFileSync(at('large.yaml'), '- '.repeat(4e6));
    expect(await refusesCheaply(at('large.yaml'), 'store/config-file.js', 'readConfigFile')).toMatch(
      /has 8000000 bytes/,
    );
  });
});
