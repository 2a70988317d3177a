import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { readOfficial } from '../src/store/convert/official.js';
import { writeStateDict } from '../src/store/convert/state-dict-writer.js';
import { writeZip, ZipFile } from '../src/store/convert/zip.js';
import { scratchFolder } from './support/scratch.js';

const TORCH = 'test/fixtures/torch';

const at = scratchFolder();

/** A copy of a .pt file with its pickle, as latin1 text, and its other records changed. */
function altered(source: string, pickle: (text: string) => string, others = (records: Map<string, Buffer>) => records) {
  const zip = new ZipFile(source);
  const records = others(new Map(zip.names.map((name) => [name, zip.read(name)])));
  zip.close();
  const [name] = [...records.keys()].filter((key) => key.endsWith('data.pkl'));
  const text = records.get(name!)!.toString('latin1');
  records.set(name!, Buffer.from(pickle(text), 'latin1'));
  const file = at('altered.pt');
  writeZip(file, [...records]);
  return file;
}

/** BININT, as a pickle has it. */
const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return `J${bytes.toString('latin1')}`;
};
const same = (text: string) => text;

describe('hostile and damaged .pt files', () => {
  const good = `${TORCH}/storages.pt`;
  const refuse = (file: string) => {
    try {
      readOfficial(file);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as Error).message).not.toContain('\n');
      return (error as Error).message;
    }
    throw new Error('it was taken');
  };

  it('run no code: a global that no state dict needs is named and refused', () => {
    const system = `\x80\x02cos\nsystem\n(X\x05\0\0\0touchtR.`;
    expect(refuse(altered(good, () => system))).toMatch(/names "os\.system", which no state dict does; nothing .* run/);
    const evil = (text: string) => text.replace('collections\nOrderedDict', 'builtins\neval');
    expect(refuse(altered(good, evil))).toContain('names "builtins.eval"');
    const called = `\x80\x02ctorch\nFloatStorage\n)R.`;
    expect(refuse(altered(good, () => called))).toContain('calls what is no function');
    expect(refuse(altered(good, () => '\x80\x02I5\n.'))).toContain('has the pickle instruction 0x49');
  });

  it('neither read outside a storage nor allocate beyond what the file can hold', () => {
    const { weights } = readOfficial(good);
    const plain = at('plain.pt');
    writeStateDict(plain, weights);
    const table = `(${int(6)}${int(4)}t(${int(4)}${int(1)}t`;
    const cases: [string, RegExp][] = [
      [
        `(${int(6)}${int(4)}t(${int(5)}${int(1)}t`,
        /item_embedding\.weight of shape \[6,4\] .* not within its 24 elements/,
      ],
      [`(${int(2 ** 29)}${int(4)}t(${int(0)}${int(0)}t`, /must be \[536870912,4\]|more than its/],
      [`(${int(6)}${int(4)}t(${int(-4)}${int(1)}t`, /impossible sizes/],
      [`(${int(6)}${int(4)}t(${int(4)}t`, /impossible sizes/],
    ];
    for (const [replacement, message] of cases) {
      expect(refuse(altered(plain, (text) => text.replace(table, replacement)))).toMatch(message);
    }
    const both = (text: string) => text.replaceAll(table, `(${int(2 ** 29)}${int(4)}t(${int(0)}${int(0)}t`);
    expect(refuse(altered(plain, both))).toMatch(/describes \d+ numbers, more than its \d+ bytes can hold/);
    const offset = (text: string) => text.replace(`tQ${int(0)}${table}`, `tQ${int(1)}${table}`);
    expect(refuse(altered(plain, offset))).toMatch(/from 1 is not within its 24 elements/);
  });

  it('are told what is missing, too short, or of another byte order', () => {
    const without = (name: string) => (records: Map<string, Buffer>) => {
      records.delete(name);
      return records;
    };
    const set = (name: string, bytes: Buffer) => (records: Map<string, Buffer>) => records.set(name, bytes);
    expect(refuse(altered(good, same, without('storages/data/0')))).toMatch(
      /record "storages\/data\/0", which is missing/,
    );
    expect(refuse(altered(good, same, set('storages/data/0', Buffer.alloc(8))))).toMatch(/48 elements .* has 8 bytes/);
    expect(refuse(altered(good, same, set('storages/byteorder', Buffer.from('big'))))).toContain('"big"-endian');
    writeZip(at('empty.pt'), [['a.txt', Buffer.from('hello')]]);
    expect(refuse(at('empty.pt'))).toContain('no data.pkl');
    writeFileSync(at('text.pt'), 'hello');
    expect(refuse(at('text.pt'))).toContain('is no zip archive');
    expect(refuse(at('nothing.pt'))).toContain('no such file');
  });

  it('are told which tensor is missing, too many, or of another shape', () => {
    const { weights } = readOfficial(good);
    const saved = (change: (copy: Map<string, { shape: readonly number[]; data: Float32Array }>) => void) => {
      const copy = new Map(weights);
      change(copy);
      writeStateDict(at('changed.pt'), copy);
      return refuse(at('changed.pt'));
    };
    expect(saved((copy) => copy.delete('seq_norm.bias'))).toMatch(/tensor seq_norm\.bias is missing; .* as \[4\]/);
    expect(saved((copy) => copy.delete('item_embedding.weight'))).toMatch(/item_embedding\.weight is missing/);
    expect(saved((copy) => copy.set('two\nlines', copy.get('seq_norm.bias')!))).toMatch(
      /"two\\nlines" is no parameter/,
    );
    expect(saved((copy) => copy.set('head.bias', copy.get('seq_norm.bias')!))).toMatch(/head\.bias is not part of/);
    const wide = { shape: [5], data: new Float32Array(5) };
    expect(saved((copy) => copy.set('seq_norm.bias', wide))).toMatch(/seq_norm\.bias is \[5\], but .* must be \[4\]/);
    expect(saved((copy) => copy.set('transformer_blocks.999999999.dense1.bias', wide))).toMatch(/is missing/);
  });

  it('are refused wherever they are cut off', () => {
    const bytes = readFileSync(good);
    for (let length = 0; length < bytes.length; length += 31) {
      writeFileSync(at('cut.pt'), bytes.subarray(0, length));
      refuse(at('cut.pt'));
    }
  });

  it('end in a checkpoint or in one line, whatever byte is wrong', () => {
    const bytes = readFileSync(good);
    let refused = 0;
    for (let i = 0; i < bytes.length; i += 13) {
      const wrong = Buffer.from(bytes);
      wrong[i] = wrong[i] ^ (1 << (i % 8));
      writeFileSync(at('wrong.pt'), wrong);
      try {
        readOfficial(at('wrong.pt'));
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});
