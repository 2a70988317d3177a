import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readOfficial } from '../src/store/convert/official.js';
import { unpickle } from '../src/store/convert/unpickle.js';
import { ZipFile } from '../src/store/convert/zip.js';
import { fuzz, mutated, outcomeOf } from './support/fuzz.js';
import { refusesCheaply } from './support/memory.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();
const FILE = 'test/fixtures/torch/storages.pt';
const GOOD = readFileSync(FILE);

function recordsOf(file: string): Map<string, Buffer> {
  const zip = new ZipFile(file);
  const found = new Map(zip.names.map((name) => [name, zip.read(name)]));
  zip.close();
  return found;
}
const RECORDS = recordsOf(FILE);
const PICKLE = RECORDS.get('storages/data.pkl')!;

/** The good file with another pickle and more records. */
function archive(pickle: Uint8Array, more: readonly [string, Uint8Array][] = []): Buffer {
  const all = [...RECORDS, ['storages/data.pkl', pickle] as const, ...more];
  return Buffer.from(zipSync(Object.fromEntries(all), { level: 0 }));
}

function read(bytes: Uint8Array) {
  writeFileSync(at('x.pt'), bytes);
  const outcome = outcomeOf(() => readOfficial(at('x.pt')));
  if ('refused' in outcome) expect(outcome.refused).toContain(at('x.pt'));
  else
    for (const { shape, data } of outcome.value.weights.values())
      expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
  return outcome;
}

describe('a .pt file', () => {
  it('with faults in it is a checkpoint of whole tensors, or refused in one line', async () => {
    await fuzz(mutated(GOOD), (bytes) => void read(bytes));
  });

  it('with faults in its pickle is one, or refused in one line', async () => {
    await fuzz(mutated(PICKLE), (pickle) => void read(archive(pickle)));
  });

  it('of any records is refused in one line', async () => {
    const name = fc.constantFrom('a/data.pkl', '../data.pkl', '/data.pkl', 'a/data/0', 'a/byteorder', '..\\x', '');
    const record = fc.tuple(name, fc.uint8Array({ maxLength: 64 }));
    await fuzz(fc.uniqueArray(record, { selector: ([key]) => key, maxLength: 4 }), (all) => {
      expect(read(zipSync(Object.fromEntries(all), { level: 0 }))).toHaveProperty('refused');
    });
  });
});

describe('a pickle', () => {
  const world = {
    functions: new Map([['a.f', () => new Map()]]),
    isType: (name: string) => name === 'a.t',
    persistent: () => 1,
  };
  const byte = (min: number, max: number) => fc.integer({ min, max }).map((code) => Buffer.from([code]));
  const instruction = fc.oneof(
    fc
      .constantFrom(
        '\x80\x02',
        '(',
        ')',
        ']',
        '}',
        't',
        '\x85',
        '\x86',
        '\x87',
        'N',
        '\x88',
        'R',
        'Q',
        's',
        'u',
        'a',
        'e',
        'b',
        '.',
        'q\0',
        'h\0',
        'ca\nf\n',
        'ca\nt\n',
        'cos\nsystem\n',
        'K\x07',
        '\x8a\x01\xff',
        'X\x01\0\0\0a',
      )
      .map((code) => Buffer.from(code, 'latin1')),
    byte(0, 255),
  );

  it('of any instructions is a value or one line, and runs nothing', async () => {
    await fuzz(fc.array(instruction, { maxLength: 60 }), (program) => {
      const outcome = outcomeOf(() => unpickle(Buffer.concat(program), world, 'x.pt'));
      if ('refused' in outcome) expect(outcome.refused).toMatch(/^x\.pt: its pickle /);
    });
  });

  const bin = (text: string) => Buffer.from(text, 'latin1');
  /** As a key, a list of nine times the previous list, thirty levels deep. */
  const bomb = bin(
    `\x80\x02}]X\x03\0\0\0lola${Array.from({ length: 30 }, (_, i) => `q${String.fromCharCode(i)}b](${`h${String.fromCharCode(i)}`.repeat(9)}e`).join('')}K\x01s.`,
  );
  const repeated = (piece: string, end: string) =>
    bin(`\x80\x02${piece.repeat(Math.floor((2 ** 20 - 16) / piece.length))}${end}`);
  const intoList = (piece: string) =>
    bin(`\x80\x02]${`(${piece.repeat(1000)}e`.repeat(Math.floor((2 ** 20 - 16) / (1000 * piece.length + 2)))}.`);
  it.each<[string, Buffer]>([
    ['lists in lists as a key', bin(`\x80\x02}${']'.repeat(500_000)}${'a'.repeat(499_999)}K\x01s.`)],
    ['a bomb as a key', bomb],
    ['a list that holds itself as a key', bin('\x80\x02}]q\0h\0aK\x01s.')],
    ['dicts', repeated('}', '.')],
    ['dicts in a list', intoList('}')],
    ['empty tuples in a list', intoList(')')],
    ['tuples', repeated('(', 't.')],
    ['memos', repeated('Nr\x01\x02\x03\x04', '.')],
  ])('of %s is refused at once, in ten times its size', async (_, pickle) => {
    writeFileSync(at('crafted.pt'), archive(pickle));
    await refusesCheaply(at('crafted.pt'), 'store/convert/official.js', 'readOfficial');
  });
});

describe('a .pt file that names much and holds little', () => {
  const int = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return `J${bytes.toString('latin1')}`;
  };
  const text = (value: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(value.length);
    return `X${length.toString('latin1')}${value}`;
  };
  /** A tensor over a complete storage of `elements` floats, of this shape and strides. */
  const tensor = (elements: number, shape: number[], strides: number[]) =>
    `ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text('big')}${text('cpu')}${int(elements)}tQ${int(0)}(${shape.map(int).join('')}t(${strides.map(int).join('')}t\x89}tR`;

  it('reads no storage over and over for a few numbers of each tensor', async () => {
    const elements = 4 * 2 ** 20;
    const stride = elements / 4 - 1;
    const names = Array.from({ length: 128 }, (_, block) =>
      [
        'first_norm.weight',
        'first_norm.bias',
        'second_norm.weight',
        'second_norm.bias',
        'dense1.bias',
        'dense2.bias',
        'multihead_attention.query_proj.bias',
        'multihead_attention.key_proj.bias',
        'multihead_attention.val_proj.bias',
      ].map((name) => `transformer_blocks.${block}.${name}`),
    ).flat();
    const square = Array.from({ length: 128 }, (_, block) =>
      [
        'dense1.weight',
        'dense2.weight',
        'multihead_attention.query_proj.weight',
        'multihead_attention.key_proj.weight',
        'multihead_attention.val_proj.weight',
      ].map((name) => `transformer_blocks.${block}.${name}`),
    ).flat();
    const all = [
      ['item_embedding.weight', tensor(elements, [6, 4], [(stride / 8) | 0, 1])],
      ['output_embedding.weight', tensor(elements, [6, 4], [(stride / 8) | 0, 1])],
      ['position_embedding.weight', tensor(elements, [3, 4], [(stride / 8) | 0, 1])],
      ...['seq_norm.weight', 'seq_norm.bias', ...names].map((name) => [name, tensor(elements, [4], [stride])]),
      ...square.map((name) => [name, tensor(elements, [4, 4], [stride, 1])]),
    ];
    const pickle = Buffer.from(`\x80\x02}(${all.map(([name, value]) => text(name) + value).join('')}u.`, 'latin1');
    writeFileSync(at('spread.pt'), archive(pickle, [['storages/data/big', new Uint8Array(4 * elements)]]));
    expect(await refusesCheaply(at('spread.pt'), 'store/convert/official.js', 'readOfficial')).toMatch(
      /spread over \d+ numbers, far more than/,
    );
  });
});
