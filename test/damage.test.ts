import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { DamagedFileError, InputError } from '../src/base/errors.js';
import { HostRandom } from '../src/base/philox.js';
import { initialParameters } from '../src/model/parameters.js';
import { loadCheckpoint, saveWeights } from '../src/store/checkpoint.js';
import { readOfficial } from '../src/store/convert/official.js';
import { writeStateDict } from '../src/store/convert/state-dict-writer.js';
import { writeDataset } from '../src/store/layout.js';
import { loadResumable, saveCheckpoint } from '../src/store/resumable.js';
import { readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import { type Checkpoint, LOOP_START, type ResumableCheckpoint } from '../src/train/checkpoint.js';
import { resolveConfig } from '../src/train/config.js';
import { gsas } from './support/command.js';
import { expectMistake } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, flagsOf, MODEL, TRAINING } from './support/small.js';
import { writeUntrainedRun } from './support/untrained-run.js';

const at = scratchFolder();

/** Small enough to try every bit of it. */
function tinyCheckpoint(step: number): ResumableCheckpoint {
  const config = resolveConfig(2, [{ sequence_length: 1, embedding_dim: 1, num_heads: 1, num_blocks: 1 }]);
  const weights = initialParameters(config, { seed: step });
  const loop = { ...LOOP_START, best_metric: 0.25, seconds: step / 7 };
  return { config, step, epoch: 1, metrics: { 'ndcg@10': 0.25 }, weights, slots: { m: weights, v: weights }, loop };
}

/** The step from one tested bit, or length, to the next: a prime, so that all bits of a byte are covered. */
const STRIDE = process.env.GSAS_KILLS ? 1 : 29;

function* flips(bytes: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < 8 * bytes.length; bit += STRIDE) {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] ^= 1 << (bit & 7);
    yield copy;
  }
}

describe('a damaged checkpoint', () => {
  beforeAll(() => {
    mkdirSync(at('run'));
    saveCheckpoint(at('run'), tinyCheckpoint(7), true);
  });

  it.each<[string, () => unknown]>([
    ['best.safetensors', () => loadCheckpoint(at('run'))],
    ['last.safetensors', () => loadResumable(at('run'))],
    ['last.optimizer-7.safetensors', () => loadResumable(at('run'))],
  ])('is told by any bit of %s, by any length, and by zeros in its second half', (name, load) => {
    const file = at('run', name);
    const bytes = readFileSync(file);
    const refused = (damaged: Buffer) => {
      writeFileSync(file, damaged);
      try {
        load();
        return false;
      } catch (error) {
        if (!(error instanceof DamagedFileError)) throw error;
        expect(error.message).toContain(file);
        return true;
      }
    };
    let accepted = 0;
    for (const damaged of flips(bytes)) accepted += Number(!refused(damaged));
    for (let length = 0; length < bytes.length; length += STRIDE)
      accepted += Number(!refused(bytes.subarray(0, length)));
    accepted += Number(!refused(Buffer.concat([bytes, Buffer.of(0)])));
    accepted += Number(!refused(Buffer.from(bytes).fill(0, bytes.length >> 1)));
    writeFileSync(file, bytes);
    load();
    expect(accepted).toBe(0);
  });

  it('names the tensor whose bytes are others', () => {
    const file = at('one.safetensors');
    saveWeights(file, tinyCheckpoint(1));
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(file, bytes);
    expect(() => loadCheckpoint(file)).toThrow(/one\.safetensors: is damaged: tensor \S+ does not match its checksum$/);
  });

  it('is told where its format says that it has checksums, but they are gone', () => {
    const file = at('bare.safetensors');
    saveWeights(file, tinyCheckpoint(1));
    const { tensors, metadata } = readSafetensors(file);
    const header = Object.fromEntries([
      ['__metadata__', metadata],
      ...[...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape, data_offsets: [0, 0] }]),
    ]);
    let end = 0;
    const parts = [...tensors].map(([name, { data }]) => {
      header[name].data_offsets = [end, end + data.byteLength];
      end += data.byteLength;
      return Buffer.from(data.buffer);
    });
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(file, Buffer.concat([length, text, ...parts]));
    expect(() => loadCheckpoint(file)).toThrow('bare.safetensors: is damaged: it has no checksums');
  });
});

describe('a damaged .pt file', () => {
  it('is refused or gives the very weights, whatever bit is wrong', () => {
    const good = at('good.pt');
    writeStateDict(good, tinyCheckpoint(3).weights);
    const bytes = readFileSync(good);
    const { weights } = readOfficial(good);
    const file = at('bit.pt');
    let [tried, refused] = [0, 0];
    for (const damaged of flips(bytes)) {
      tried++;
      writeFileSync(file, damaged);
      let read: Checkpoint | undefined;
      try {
        read = readOfficial(file);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        refused++;
      }
      if (read) expect(read.weights).toEqual(weights);
    }
    // Times, versions and attributes of the archive's records say nothing about the weights.
    expect(refused / tried).toBeGreaterThan(0.6);
  });
});

describe('the commands', () => {
  const run = () => at('trained');
  beforeAll(() => {
    writeDataset(at('data'), dataset);
    writeUntrainedRun(run(), { options: MODEL, data: at('data') });
  });
  const commands = () => [
    ['evaluate', run()],
    ['recommend', run(), '--history', '1 2 3'],
    ['serve', run(), '--port', '0'],
  ];

  it('refuse weights with a flipped bit', async () => {
    const file = at('trained/best.safetensors');
    const bytes = readFileSync(file);
    const damaged = Buffer.from(bytes);
    const random = new HostRandom(11);
    const bit = random.integer(8 * (bytes.length >> 1)) + 4 * bytes.length; // among the tensors
    damaged[bit >> 3] ^= 1 << (bit & 7);
    writeFileSync(file, damaged);
    for (const args of commands()) expectMistake(await gsas(at(), ...args), file, /is damaged: tensor .* checksum/);
    writeFileSync(file, bytes);
  });

  it('go on from the checkpoint before a damaged one, and say so', async () => {
    const args = ['train', '--data', 'data', '--out', 'two', ...flagsOf(TRAINING), '--no-report', '--max-epochs', '2'];
    expect(await gsas(at(), ...args)).toMatchObject({ status: 0 });
    const whole = readFileSync(at('two/last.safetensors'));
    writeFileSync(at('two/last.safetensors'), whole.subarray(0, whole.length >> 1));
    const { status, stderr } = await gsas(at(), 'train', '--resume', '--out', 'two', '--no-report');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(
        /^two\/last\.safetensors: is cut off.*\ntwo: goes on from previous\.safetensors, of step 4\n$/,
      ),
    });
    expect(readFileSync(at('two/last.safetensors')).equals(whole)).toBe(true);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuse a weight that is %s', async (value) => {
    const file = at('trained/best.safetensors');
    const { tensors, metadata } = readSafetensors(file);
    const bytes = readFileSync(file);
    tensors.get('seq_norm.bias')!.data[2] = value;
    writeSafetensors(file, tensors, metadata);
    for (const args of commands()) {
      expectMistake(await gsas(at(), ...args), file, `tensor seq_norm.bias holds ${value} as number 3`);
    }
    const pt = at('spoilt.pt');
    writeStateDict(
      pt,
      new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }])),
    );
    expectMistake(await gsas(at(), 'convert', pt, at('never')), pt, `holds ${value} as number 3`);
    rmSync(pt);
    writeFileSync(file, bytes);
  });
});
