import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sequences } from '../src/data/dataset.js';
import { writeDataset } from '../src/data/layout.js';
import { InputError } from '../src/engine/errors.js';
import type { Gpu } from '../src/engine/gpu.js';
import { Stream } from '../src/engine/stream.js';
import { parameterShapes } from '../src/model/config.js';
import { GSASRec } from '../src/model/gsasrec.js';
import { loadCheckpoint } from '../src/train/checkpoint.js';
import { convert } from '../src/train/convert/index.js';
import { readOfficial } from '../src/train/convert/official.js';
import { writeStateDict } from '../src/train/convert/state-dict-writer.js';
import { writeZip, ZipFile } from '../src/train/convert/zip.js';
import { readFixture } from '../src/train/fixture.js';
import { recommend } from '../src/train/recommend.js';
import { readSafetensors } from '../src/train/safetensors.js';
import { gsas } from './support/command.js';
import { openTestGpu } from './support/gpu.js';

const TORCH = 'test/fixtures/torch';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convert-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

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

describe('official checkpoints', () => {
  it('are read from archives in the form for more than 4 GiB', () => {
    const { weights } = readOfficial(`${TORCH}/storages.pt`);
    writeStateDict(at('small.pt'), weights);
    writeFileSync(at('large.pt'), inZip64(readFileSync(at('small.pt'))));
    expect(readOfficial(at('large.pt')).weights).toEqual(weights);
  });

  it('have the values that torch has saved, in any float type and layout', () => {
    const { config, weights } = readOfficial(`${TORCH}/storages.pt`);
    const expected = readSafetensors(`${TORCH}/storages.safetensors`).tensors;
    expect(config).toMatchObject({ num_items: 4, sequence_length: 3, embedding_dim: 4, num_blocks: 1, num_heads: 1 });
    expect([...weights.keys()]).toEqual([...parameterShapes(config).keys()]);
    for (const [name, { shape, data }] of weights) {
      expect({ name, shape, data }).toEqual({ name, shape: expected.get(name)!.shape, data: expected.get(name)!.data });
    }
  });

  it('take what shapes do not tell from what is given, and refuse what contradicts them', () => {
    const file = `${TORCH}/reuse_t1.pt`;
    const { config } = readOfficial(file, { num_heads: 2, gbce_t: 1, sequence_length: 11 });
    expect(config).toMatchObject({ num_heads: 2, gbce_t: 1, reuse_item_embeddings: true, num_blocks: 2 });
    expect(() => readOfficial(file, { num_heads: 3 })).toThrow(/reuse_t1\.pt: embedding_dim is 14; .* num_heads.* 3/);
    expect(() => readOfficial(file, { sequence_length: 50 })).toThrow(/have sequence_length 11, but 50 was asked for/);
  });

  it.each([
    ['integers.pt', /integers\.pt: tensor seq_norm\.weight is of LongStorage; known are FloatStorage/],
    ['module.pt', /module\.pt: .*names "torch\.nn\.modules\.normalization\.LayerNorm", .*nothing of it was run/],
    ['nested.pt', /nested\.pt: .*"model" is no parameter; save model\.state_dict\(\)/],
    ['legacy.pt', /legacy\.pt: is of torch before 1\.6/],
  ])('are refused in one line where they are none: %s', (name, message) => {
    const output = at('refused.safetensors');
    expect(() => convert(`${TORCH}/${name}`, output)).toThrow(message);
    expect(existsSync(output)).toBe(false);
  });
});

/** The archive with all of its sizes and offsets in zip64's fields, as they are beyond 4 GiB (APPNOTE.TXT 4.3.14, 4.3.15, 4.5.3). */
function inZip64(bytes: Buffer): Buffer {
  const end = bytes.length - 22;
  const [count, directory] = [bytes.readUInt16LE(end + 10), bytes.readUInt32LE(end + 16)];
  const entries: Buffer[] = [];
  for (let at = directory, i = 0; i < count; i++) {
    const head = Buffer.from(bytes.subarray(at, at + 46 + bytes.readUInt16LE(at + 28)));
    at += head.length;
    const extra = Buffer.alloc(28);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    for (const [i, field] of [24, 20, 42].entries()) {
      extra.writeBigUInt64LE(BigInt(head.readUInt32LE(field)), 4 + 8 * i);
      head.writeUInt32LE(0xffffffff, field);
    }
    head.writeUInt16LE(extra.length, 30);
    entries.push(head, extra);
  }
  const entryBytes = entries.reduce((sum, { length }) => sum + length, 0);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  for (const [i, value] of [count, entryBytes, directory].entries()) end64.writeBigUInt64LE(BigInt(value), 32 + 8 * i);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(directory + entryBytes), 8);
  const end32 = Buffer.from(bytes.subarray(end)).fill(0xff, 8, 20);
  return Buffer.concat([bytes.subarray(0, directory), ...entries, end64, locator, end32]);
}

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
      [`(${int(2 ** 31 - 1)}${int(4)}t(${int(0)}${int(0)}t`, /must be \[2147483647,4\]|more than its/],
      [`(${int(6)}${int(4)}t(${int(-4)}${int(1)}t`, /impossible sizes/],
      [`(${int(6)}${int(4)}t(${int(4)}t`, /impossible sizes/],
    ];
    for (const [replacement, message] of cases) {
      expect(refuse(altered(plain, (text) => text.replace(table, replacement)))).toMatch(message);
    }
    const both = (text: string) => text.replaceAll(table, `(${int(2 ** 31 - 1)}${int(4)}t(${int(0)}${int(0)}t`);
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
      wrong[i] = wrong[i]! ^ (1 << (i % 8));
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

describe('convert', () => {
  it('gives back every bit by way of .pt, .safetensors and the folder of a run', () => {
    const { checkpoint } = convert(`${TORCH}/h1.pt`, at('a.safetensors'));
    convert(at('a.safetensors'), at('b.pt'));
    convert(at('b.pt'), at('run'));
    const back = loadCheckpoint(at('run'));
    expect(back).toEqual(checkpoint);
    const golden = readFixture('test/fixtures/h1.safetensors').parameters('param');
    for (const [name, { data }] of back.weights) expect({ name, data }).toEqual({ name, data: golden.get(name)!.data });
    expect(readdirSync(at('run'))).toEqual(['best.safetensors']);
    convert(at('b.pt'), `${at('t0.75')}/`);
    expect(loadCheckpoint(at('t0.75'))).toEqual(checkpoint);
  });

  it('writes the same bytes for the same checkpoint', () => {
    convert(`${TORCH}/h1.pt`, at('one.pt'));
    convert(at('one.pt'), at('two.pt'));
    expect(readFileSync(at('one.pt')).equals(readFileSync(at('two.pt')))).toBe(true);
  });

  it.each([
    ['h1.pt', 'model.onxx', {}, /model\.onxx: ends with \.onxx; known are \.safetensors, \.pt, \.pth, \.onnx/],
    ['h1.pt', 'model.pt', { data: 'data' }, /model\.pt: is no folder of a run, so it cannot note data/],
    ['h1.pt', 'noted', { data: 'test/fixtures/none' }, /there is no folder .*none/],
    ['storages.safetensors', 'x.pt', {}, /storages\.safetensors: its metadata has no config/],
    ['storages.safetensors', 'x.pt', { given: { num_heads: 2 } }, /holds its own configuration, so num_heads cannot/],
    ['none.onnx', 'x.pt', {}, /none\.onnx: cannot be read: no such file/],
  ])('says in one line what is wrong with %s -> %s', (input, output, options, message) => {
    expect(() => convert(`${TORCH}/${input}`, at(output), options)).toThrow(message);
    expect(existsSync(at(output))).toBe(false);
  });

  it('says that ONNX is only written', () => {
    convert(`${TORCH}/h1.pt`, at('model.onnx'));
    expect(() => convert(at('model.onnx'), at('x.pt'))).toThrow(/model\.onnx: ONNX is written, not read/);
  });

  it('is what loading a .pt file as a checkpoint of ours points to', () => {
    expect(() => loadCheckpoint(`${TORCH}/h1.pt`)).toThrow(
      /h1\.pt: is no \.safetensors file; `gsas-wgpu convert` makes/,
    );
  });

  it('leaves a run that is there alone', () => {
    convert(`${TORCH}/h1.pt`, at('taken'));
    expect(() => convert(`${TORCH}/reuse_t1.pt`, at('taken'))).toThrow(/taken: a run is there already/);
    expect(loadCheckpoint(at('taken')).config.num_items).toBe(57);
  });
});

describe('an imported checkpoint', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu.close());

  it.each([
    ['h1', 1],
    ['reuse_t1', 2],
  ])('recommends what the official code does: %s', async (name, num_heads) => {
    convert(`${TORCH}/${name}.pt`, at(`${name}.safetensors`), { given: { num_heads } });
    const { config, weights } = loadCheckpoint(at(`${name}.safetensors`));
    const { meta, numbers } = readFixture(`test/fixtures/${name}.safetensors`);
    const labels = Array.from(numbers('input/labels'));
    const rows = Array.from({ length: meta.batch }, (_, row) => row);
    const histories = rows.map((row) =>
      labels.slice(row * meta.seq, (row + 1) * meta.seq).filter((id) => id !== meta.pad),
    );
    const model = new GSASRec(new Stream(gpu), config, weights);
    const found = await recommend(model, histories, { top: 10, filterRated: false });
    const expected = Array.from(numbers('pred/ids'));
    expect(found.map((items) => items.map(({ item }) => item))).toEqual(
      rows.map((row) => expected.slice(row * 10, (row + 1) * 10)),
    );
    model.release();
  });
});

describe('gsas-wgpu convert', () => {
  const pt = (name: string) => resolve(TORCH, name);

  it('says which number of heads it assumes, and what the official configuration is', async () => {
    const { status, stdout, stderr } = await gsas(folder, 'convert', pt('h1.pt'), 'said.safetensors');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^num_heads is taken to be 1: .*h1\.pt does not tell; --heads says otherwise\n$/);
    expect(stdout).toContain(
      'sequence_length=12, embedding_dim=16, num_heads=1, num_blocks=2, reuse_item_embeddings=False',
    );
  });

  it('takes heads and options of training by flags and from a file', async () => {
    writeFileSync(at('two.yaml'), 'num_heads: 2\ngbce_t: 1\n');
    const flags = ['--config', 'two.yaml', '--negs-per-pos', '31'];
    const { status, stderr } = await gsas(folder, 'convert', pt('reuse_t1.pt'), 'told.safetensors', ...flags);
    expect([status, stderr]).toEqual([0, '']);
    expect(loadCheckpoint(at('told.safetensors')).config).toMatchObject({ num_heads: 2, gbce_t: 1, negs_per_pos: 31 });
    const again = await gsas(folder, 'convert', pt('reuse_t1.pt'), 'heads.safetensors', '--heads', '2');
    expect([again.status, again.stderr]).toEqual([0, '']);
    expect(loadCheckpoint(at('heads.safetensors')).config.num_heads).toBe(2);
  });

  it.each([
    [
      ['h1.pt', 'x.pt', '--heads', '3'],
      /^error: .*h1\.pt: embedding_dim is 16; it must be a multiple of num_heads.* 3\n$/,
    ],
    [['h1.pt', 'x.tflite'], /^error: x\.tflite: ends with \.tflite; known are .*\n$/],
    [['none.pt', 'x.pt'], /^error: .*none\.pt: cannot be read: no such file or directory\n$/],
    [['module.pt', 'x.pt'], /^error: .*names "torch\.nn\.modules\.normalization\.LayerNorm".*\n$/],
  ])('exits 2 with one line: %j', async ([input, ...rest], message) => {
    const { status, stderr } = await gsas(folder, 'convert', pt(input!), ...rest);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(at('x.pt'))).toBe(false);
  });

  it('makes a run of an official checkpoint, which evaluate and recommend take like their own', async () => {
    const inputs = Sequences.from([[1, 2, 3], [60], [4, 61, 9, 2]]);
    const split = { inputs, targets: Uint32Array.of(7, 8, 61) };
    writeDataset(at('data'), { name: 'three users', numItems: 61, train: inputs, val: split, test: split });
    const flags = ['--heads', '2', '--data', 'data'];
    expect((await gsas(folder, 'convert', pt('reuse_t1.pt'), 'imported', ...flags)).status).toBe(0);
    const evaluated = await gsas(folder, 'evaluate', 'imported', '--json');
    expect([evaluated.status, evaluated.stderr]).toEqual([0, '']);
    expect(evaluated.stdout).toMatch(/"ndcg@10":/);
    const recommended = await gsas(folder, 'recommend', 'imported', '--history', '1 2 3', '--top', '5', '--json');
    expect(recommended.stdout.trim().split('\n')).toHaveLength(5);
    const other = await gsas(folder, 'convert', pt('h1.pt'), 'mismatched', '--data', 'data');
    expect(other.stderr).toMatch(/data: has 61 items, but the checkpoint knows 57; name its own data\n$/);
    expect(existsSync(at('mismatched'))).toBe(false);
  });
});
