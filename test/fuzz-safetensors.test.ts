import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import { anyText, fuzz, mutated, outcomeOf } from './support/fuzz.js';
import { refusesCheaply } from './support/memory.js';
import { scratchFolder } from './support/scratch.js';
import { MODEL } from './support/small.js';
import { writeUntrainedRun } from './support/untrained-run.js';

const at = scratchFolder();

/** The bytes of a file with this header and this many zeros. */
function fileOf(header: string | Uint8Array, data = 0): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(data)]);
}

function read(bytes: Uint8Array) {
  writeFileSync(at('x.safetensors'), bytes);
  const outcome = outcomeOf(() => readSafetensors(at('x.safetensors')));
  if ('refused' in outcome) expect(outcome.refused).toContain(at('x.safetensors'));
  else
    for (const { shape, data } of outcome.value.tensors.values())
      expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
  return outcome;
}

describe('a safetensors file', () => {
  const name = fc
    .oneof(anyText, fc.string({ maxLength: 5 }))
    .filter((text) => text !== '__metadata__' && !/\p{Cs}/u.test(text));
  const tensor: fc.Arbitrary<HostTensor> = fc.oneof(
    fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const of = { minLength: length, maxLength: length };
      return fc.oneof(
        fc.float32Array(of).map((data) => ({ dtype: 'F32', shape, data }) as HostTensor),
        fc.bigInt64Array(of).map((data) => ({ dtype: 'I64', shape, data }) as HostTensor),
        fc.uint8Array(of).map((data) => ({ dtype: 'U8', shape, data }) as HostTensor),
      );
    }),
  );

  it('comes back as it was written, whatever its tensors are called', async () => {
    const metadata = fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 10 }));
    await fuzz(
      fc.tuple(fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 5 }), metadata),
      ([tensors, texts]) => {
        writeSafetensors(at('y.safetensors'), new Map(tensors), texts);
        const back = readSafetensors(at('y.safetensors'));
        expect(new Map([...back.tensors].sort())).toEqual(new Map([...tensors].sort()));
        expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(texts).sort());
      },
    );
  });

  it('of any header is whole, or refused in one line', async () => {
    const size = fc.oneof(fc.nat(9), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 1e300, -1, 0.5, '1', null));
    const entry = fc.record(
      {
        dtype: fc.constantFrom('F32', 'U8', 'I64', 'F16', 'constructor', 3),
        shape: fc.oneof(fc.array(size, { maxLength: 4 }), size),
        data_offsets: fc.oneof(fc.tuple(size, size), size),
      },
      { requiredKeys: [] },
    );
    const header = fc.oneof(
      fc
        .dictionary(fc.oneof(name, fc.constant('__metadata__')), fc.oneof(entry, fc.jsonValue()))
        .map((value) => JSON.stringify(value)),
      fc.json(),
      anyText,
    );
    await fuzz(fc.tuple(header, fc.nat(64)), ([text, data]) => void read(fileOf(text, data)));
  });
});

describe('a checkpoint', () => {
  let file: Buffer;
  beforeAll(() => {
    writeUntrainedRun(at('run'), { options: MODEL, data: 'data' });
    file = unchecked(readFileSync(at('run/best.safetensors')));
  });

  /** The checkpoint in the format of version 0.1.0, which has no checksums: an attacker could make them right anyway. */
  function unchecked(bytes: Buffer): Buffer {
    const end = 8 + Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString('utf8', 8, end));
    const { checksum, checksums, format, ...metadata } = header.__metadata__;
    return Buffer.concat([fileOf(JSON.stringify({ ...header, __metadata__: metadata })), bytes.subarray(end)]);
  }

  /** The checkpoint with another header before the same data. */
  function withHeader(change: (text: string) => string | Uint8Array): Buffer {
    const end = 8 + Number(file.readBigUInt64LE());
    return Buffer.concat([fileOf(change(file.toString('utf8', 8, end))), file.subarray(end)]);
  }

  it('with faults in it is a file of whole tensors, or refused in one line', async () => {
    await fuzz(mutated(file), (bytes) => void read(bytes));
  });

  it('with faults in its header is a model of its sizes, or refused in one line', async () => {
    const length = Number(file.readBigUInt64LE());
    await fuzz(
      fc.constant(0).chain(() => mutated(file.subarray(8, 8 + length))),
      (header) => {
        writeFileSync(
          at('z.safetensors'),
          withHeader(() => header),
        );
        const outcome = outcomeOf(() => loadCheckpoint(at('z.safetensors')));
        if ('refused' in outcome) expect(outcome.refused).toContain(at('z.safetensors'));
      },
    );
  });

  it.each<[string, () => Buffer, RegExp]>([
    [
      'of a million blocks',
      () => withHeader((text) => text.replace('num_blocks\\":1', 'num_blocks\\":1000000')),
      /num_blocks is 1000000; .* at most 128/,
    ],
    ['of lists in lists', () => fileOf('['.repeat(4e6)), /more parts or levels/],
    ['of lists in lists that end', () => fileOf('['.repeat(2e6) + ']'.repeat(2e6)), /more parts or levels/],
    ['of objects in objects', () => fileOf(`${'{"":'.repeat(1e6)}0${'}'.repeat(1e6)}`), /more parts or levels/],
    [
      'of empty entries',
      () => fileOf(`{${Array.from({ length: 5e5 }, (_, i) => `"${i}":{}`)}}`),
      /more parts or levels/,
    ],
    [
      'of tensors of nothing',
      () =>
        fileOf(`{${Array.from({ length: 1e5 }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`),
      /more parts or levels/,
    ],
    [
      'of a shape without end',
      () => fileOf(`{"a":{"dtype":"U8","shape":[${'1,'.repeat(2e6)}1],"data_offsets":[0,1]}}`, 1),
      /has no config/,
    ],
    ['of a name without end', () => fileOf(`{"${'a'.repeat(4e6)}":{"dtype":"F9"}}`), /dtype "F9"/],
    [
      'that says it holds more than there is',
      () => fileOf('{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}', 64),
      /is cut off/,
    ],
  ])('%s is refused at once, in ten times its size', async (_, bytes, message) => {
    writeFileSync(at('crafted.safetensors'), bytes());
    expect(await refusesCheaply(at('crafted.safetensors'), 'store/checkpoint.js', 'loadCheckpoint')).toMatch(message);
  });
});
