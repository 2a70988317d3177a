import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GsasError, InputError } from '../src/base/errors.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();

const fixture = 'test/fixtures/h1.safetensors';

describe('readSafetensors', () => {
  it('reads a file of the reference implementation', () => {
    const { tensors, metadata } = readSafetensors(fixture);
    expect(tensors.size).toBe(186);
    expect(JSON.parse(metadata.meta)).toMatchObject({ items: 57, seq: 12, dim: 16, negs: 7 });
    const ids = tensors.get('input/model_input')!;
    expect([ids.dtype, ids.shape, ids.data.length]).toEqual(['I32', [5, 12], 60]);
    expect(Math.max(...(ids.data as Int32Array))).toBe(58);
    const loss = tensors.get('out/loss')!;
    const perPosition = tensors.get('out/loss_per_element')!.data as Float64Array;
    const mask = tensors.get('out/mask')!.data as Float32Array;
    const mean = perPosition.reduce((sum, x, i) => sum + x * mask[i], 0) / mask.reduce((sum, x) => sum + x, 0);
    expect(loss.shape).toEqual([]);
    expect(loss.data[0]).toBeCloseTo(mean, 6);
  });

  it('gives back every dtype, shape and string that was written', () => {
    const tensors = new Map<string, HostTensor>([
      ['bool', { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) }],
      ['u8', { dtype: 'U8', shape: [1, 5], data: Uint8Array.of(0, 1, 2, 254, 255) }],
      ['i8', { dtype: 'I8', shape: [1], data: Int8Array.of(-128) }],
      ['i16', { dtype: 'I16', shape: [1], data: Int16Array.of(-32768) }],
      ['u16', { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) }],
      ['i32', { dtype: 'I32', shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) }],
      ['u32', { dtype: 'U32', shape: [], data: Uint32Array.of(2 ** 32 - 1) }],
      ['i64', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) }],
      ['u64', { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
      ['f32', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(0.1, -0, Infinity, 1e-45) }],
      ['f64', { dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) }],
      ['nothing', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
    ]);
    const metadata = { text: 'Grüße "in quotes": {\n', empty: '' };
    const file = at('all.safetensors');
    writeSafetensors(file, tensors, metadata);
    const read = readSafetensors(file);
    expect(read.metadata).toEqual(metadata);
    expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()));
  });

  it('refuses every prefix of a file', () => {
    const file = at('whole.safetensors');
    const cut = at('cut.safetensors');
    writeSafetensors(file, new Map([['a', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }]]));
    const bytes = readFileSync(file);
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(cut, bytes.subarray(0, length));
      expect(() => readSafetensors(cut), `${length} bytes`).toThrow(InputError);
    }
  });

  const entry = (begin: number, end: number, extra = {}) => ({
    dtype: 'U8',
    shape: [end - begin],
    data_offsets: [begin, end],
    ...extra,
  });
  it.each<[string, string | object, number, RegExp]>([
    ['no JSON', '{"a": }', 0, /bad\.safetensors: header: is not JSON/],
    ['a list', '[]', 0, /header is not a JSON object/],
    ['bytes left over', { a: entry(0, 4) }, 6, /2 bytes behind its last tensor/],
    ['bytes missing', { a: entry(0, 4), b: entry(4, 8) }, 6, /cut off: tensor b ends at byte 8, but only 6/],
    ['an overlap', { a: entry(0, 4), b: entry(2, 6) }, 6, /tensor b begins at byte 2, inside .* begin at 4/],
    ['a hole', { a: entry(0, 4), b: entry(6, 8) }, 8, /tensor b begins at byte 6, behind .* begin at 4/],
    ['begin after end', { a: entry(0, 4, { data_offsets: [4, 0] }) }, 4, /tensor a has data_offsets \[4,0\]/],
    ['a fraction', { a: entry(0, 4, { shape: [0.5, 8] }) }, 4, /tensor a has shape \[0.5,8\]/],
    ['an unknown dtype', { a: entry(0, 4, { dtype: 'F4' }) }, 4, /tensor a has dtype "F4"; known are F64/],
    ['an inherited name', { a: entry(0, 4, { dtype: 'toString' }) }, 4, /tensor a has dtype "toString"/],
    ['no entry', { a: null }, 4, /tensor a has dtype undefined/],
    ['another shape', { a: entry(0, 4, { shape: [5] }) }, 4, /tensor a is U8 \[5\], 5 bytes, but its offsets hold 4/],
    ['a huge shape', { a: entry(0, 4, { shape: [2 ** 52, 2 ** 52, 0] }) }, 4, /its offsets hold 4/],
    ['a number in the metadata', { __metadata__: { step: 3 } }, 0, /__metadata__ holds 3 under step/],
    ['metadata of text', { __metadata__: 'x' }, 0, /__metadata__ is not an object/],
    ['a name twice', '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{}}', 0, /names a twice/],
    ['a field twice', '{"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}', 0, /names dtype twice/],
  ])('refuses %s', (_, header, dataLength, message) => {
    const file = at('bad.safetensors');
    const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(file, Buffer.concat([length, text, Buffer.alloc(dataLength)]));
    expect(() => readSafetensors(file)).toThrow(InputError);
    expect(() => readSafetensors(file)).toThrow(message);
  });

  it('allows one name in two objects, and names that look like punctuation', () => {
    const file = at('names.safetensors');
    const data = Uint8Array.of(7);
    const names = ['a', 'dtype', '{', '"a":', '__proto__', '\\'];
    writeSafetensors(file, new Map(names.map((name) => [name, { dtype: 'U8', shape: [1], data }])), { a: '"a":{"a":' });
    expect([...readSafetensors(file).tensors.keys()].sort()).toEqual(names.sort());
  });

  it('refuses a header longer than the file, a missing file and a folder', () => {
    const file = at('long.safetensors');
    writeFileSync(file, Buffer.alloc(16, 0xff));
    expect(() => readSafetensors(file)).toThrow(/its header has \d+ bytes, but has 16 bytes itself/);
    expect(() => readSafetensors(at('none'))).toThrow(/none: cannot be read: no such file or directory/);
    expect(() => readSafetensors(at())).toThrow(InputError);
  });
});

describe('writeSafetensors', () => {
  const one: [string, HostTensor] = ['one', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }];
  const two: [string, HostTensor] = ['two', { dtype: 'I64', shape: [1], data: BigInt64Array.of(2n) }];

  it('writes the same bytes whatever the order, aligned for a reader that maps the file', () => {
    const [a, b] = [at('a'), at('b')];
    writeSafetensors(a, new Map([one, two]), { x: '1', y: '2' });
    writeSafetensors(b, new Map([two, one]), { y: '2', x: '1' });
    expect(readFileSync(a)).toEqual(readFileSync(b));
    expect(readFileSync(a).readUInt32LE(0) % 8).toBe(0);
    expect([...readSafetensors(a).tensors.keys()]).toEqual(['two', 'one']);
  });

  it('writes a view of a larger buffer, not the buffer', () => {
    const file = at('view');
    const data = Float32Array.of(0, 1, 2, 3).subarray(1, 3);
    writeSafetensors(file, new Map([['view', { dtype: 'F32', shape: [2], data }]]));
    expect([...readSafetensors(file).tensors.get('view')!.data]).toEqual([1, 2]);
  });

  it('refuses a shape that does not fit the data, and a folder that is not there', () => {
    const wrong: HostTensor = { dtype: 'F32', shape: [2], data: Float32Array.of(1) };
    expect(() => writeSafetensors(at('w'), new Map([['x', wrong]]))).toThrow(/tensor x of shape \[2\]/);
    const missing = at('missing', 'file');
    expect(() => writeSafetensors(missing, new Map([one]))).toThrow(GsasError);
    expect(() => writeSafetensors(missing, new Map([one]))).toThrow(/cannot be written: no such file or directory/);
    expect(readdirSync(at()).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
