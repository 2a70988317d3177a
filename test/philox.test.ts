import { describe, expect, it } from 'vitest';
import { HostRandom, multiplyHigh, PHILOX_WGSL, philox4x32 } from '../src/base/philox.js';
import { parseProgram } from '../src/engine/program.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL, dropoutFactor, dropoutUniforms } from '../src/engine/random.js';
import { Stream } from '../src/engine/stream.js';
import { gpu } from './support/device.js';

const words = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));

/** Random123's tests/kat_vectors, lines "philox4x32 10": counter, key, answer. */
const KNOWN = [
  ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
].map(([counter, key, answer]) => ({
  counter: words(counter!) as [number, number, number, number],
  key: words(key!) as [number, number],
  answer: words(answer!),
}));

describe('on the host', () => {
  it.each(KNOWN)('philox4x32-10 of $counter under $key is the published answer', ({ counter, key, answer }) => {
    expect(Array.from(philox4x32(counter, key))).toEqual(answer);
  });

  it('multiplies to the high 32 bits', () => {
    const random = new HostRandom(1);
    const edges = [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];
    const pairs = edges.flatMap((a) => edges.map((b) => [a, b] as const));
    for (let i = 0; i < 1000; i++) pairs.push([random.u32(), random.u32()]);
    for (const [a, b] of pairs) expect(multiplyHigh(a, b)).toBe(Number((BigInt(a) * BigInt(b)) >> 32n));
  });

  it('draws evenly: uniform numbers, integers and normals have their moments and cells', () => {
    const random = new HostRandom(42);
    const draws = 100_000;
    const cells = new Float64Array(101);
    let uniform = 0;
    let normal = 0;
    let square = 0;
    for (let i = 0; i < draws; i++) {
      uniform += random.uniform();
      const x = random.normal();
      normal += x;
      square += x * x;
      const cell = random.integer(101);
      cells[cell] = cells[cell] + 1;
    }
    const sigma = 1 / Math.sqrt(draws);
    expect(Math.abs(uniform / draws - 0.5)).toBeLessThan(4 * sigma * Math.sqrt(1 / 12));
    expect(Math.abs(normal / draws)).toBeLessThan(4 * sigma);
    expect(Math.abs(square / draws - 1)).toBeLessThan(4 * sigma * Math.sqrt(2));
    const chiSquare = cells.reduce((sum, n) => sum + (n - draws / 101) ** 2 / (draws / 101), 0);
    expect(Math.abs(chiSquare - 100)).toBeLessThan(4 * Math.sqrt(200)); // 100 degrees of freedom
  });

  it('gives the same numbers for the same seed and stream, and others for others', () => {
    const five = (...args: [number, number?]) =>
      Array.from(
        { length: 5 },
        (
          (r) => () =>
            r.u32()
        )(new HostRandom(...args)),
      );
    expect(five(7, 1)).toEqual(five(7, 1));
    expect(five(7, 1)).not.toEqual(five(7, 2));
    expect(five(7, 1)).not.toEqual(five(8, 1));
  });

  it('shuffles to a permutation', () => {
    const items = Uint32Array.from({ length: 1000 }, (_, i) => i);
    const shuffled = new HostRandom(3).shuffle(items.slice());
    expect(shuffled).not.toEqual(items);
    expect(shuffled.sort()).toEqual(items);
  });
});

describe('on the GPU', () => {
  it('philox in WGSL gives the known answers, and the same words as TypeScript for thousands of counters', async () => {
    const random = new HostRandom(5);
    const inputs = [...KNOWN.flatMap(({ counter, key }) => [...counter, ...key, 0, 0])];
    while (inputs.length < 8 * 4099) inputs.push(random.u32());
    const count = inputs.length / 8;
    const shader = parseProgram(
      'philox',
      `${PHILOX_WGSL}
@group(0) @binding(1) var<storage, read> inputs: array<vec4<u32>>; // [count, 2]: counter; key
@group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>; // [count]
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) { out[id.x] = philox(inputs[2u * id.x], inputs[2u * id.x + 1u].xy); }`,
    );
    const stream = new Stream(gpu);
    const out = stream.empty([count, 4], 'u32');
    stream.dispatch(shader, { inputs: stream.upload(Uint32Array.from(inputs), [count, 8]), out }, count);
    const actual = await stream.read(out);
    expect(Array.from(actual.slice(0, 12))).toEqual(KNOWN.flatMap(({ answer }) => answer));
    const expected = new Uint32Array(4 * count);
    for (let i = 0; i < count; i++) {
      const [a, b, c, d, k0, k1] = inputs.slice(8 * i, 8 * i + 6) as [number, number, number, number, number, number];
      expected.set(philox4x32([a, b, c, d], [k0, k1]), 4 * i);
    }
    expect(actual).toEqual(expected);
  });

  it.each([0, 0.1, 0.5, 0.999])(
    'dropout at rate %s drops the same elements in WGSL and in TypeScript',
    async (rate) => {
      const rows = 300;
      const shader = parseProgram(
        'dropout',
        `${PHILOX_WGSL}
struct Params { ${DROPOUT_PARAMS} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>; // [rows, 8]
${DROPOUT_WGSL}
@compute @workgroup_size(2)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
  out[2u * id.x + local] = dropout4(id.x, local);
}`,
      );
      const stream = new Stream(gpu);
      const random = { seed: 0xfedcba98, step: 12345 };
      const dropout = { rate, site: 3 };
      const out = stream.empty([rows, 8]);
      stream.dispatch(shader, { out, ...dropoutUniforms(random, dropout) }, rows);
      const actual = await stream.read(out);
      const expected = Float32Array.from(actual, (_, i) => dropoutFactor(random, dropout, Math.floor(i / 8), i % 8));
      expect(actual).toEqual(expected);
      const dropped = expected.filter((factor) => factor === 0).length / expected.length;
      expect(Math.abs(dropped - rate)).toBeLessThanOrEqual(4 * Math.sqrt((rate * (1 - rate)) / expected.length));
    },
  );
});
