import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NeuralRecommender } from '../src/infer/neural.js';
import { parameterShapes } from '../src/model/config.js';
import { Model } from '../src/model/model.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { convert } from '../src/store/convert/index.js';
import { readOfficial } from '../src/store/convert/official.js';
import { writeStateDict } from '../src/store/convert/state-dict-writer.js';
import { readFixture } from '../src/store/fixture.js';
import { readSafetensors } from '../src/store/safetensors.js';
import { stream } from './support/device.js';
import { scratchFolder } from './support/scratch.js';

const TORCH = 'test/fixtures/torch';

const at = scratchFolder();

/** The archive with all sizes and offsets in zip64's fields, as beyond 4 GiB (APPNOTE.TXT 4.3.14, 4.3.15, 4.5.3). */
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
    const model = new Model(stream, config, weights);
    const found = await new NeuralRecommender(model).top(histories, { top: 10, filterRated: false });
    const expected = Array.from(numbers('pred/ids'));
    expect(found.map((items) => items.map(({ item }) => item))).toEqual(
      rows.map((row) => expected.slice(row * 10, (row + 1) * 10)),
    );
    model.release();
  });
});
