import { describe, expect, it } from 'vitest';
import { parseProgram, program } from '../src/engine/program.js';
import { float, wgsl } from '../src/engine/wgsl.js';
import { SCALE } from './support/scale.js';

describe('the wgsl tag', () => {
  it.each([undefined, null, Number.NaN, Number.POSITIVE_INFINITY, {}])('refuses %s and says where', (value) => {
    expect(() => wgsl`const D = ${value as number}u;`).toThrow(`wgsl: value 0 is ${String(value)}, after "const D ="`);
  });

  it('takes the branch of #if that holds', () => {
    const branch = (n: number) => wgsl`#if ${n === 1}
one #elif ${n === 2}
two #else
other #endif`;
    expect([1, 2, 3].map((n) => branch(n).trim())).toEqual(['one', 'two', 'other']);
  });

  it('prints numbers as floats where asked to', () => {
    expect([1, -3, 0.5, 1e-8].map(float)).toEqual(['1.0f', '-3.0f', '0.5f', '1e-8f']);
  });
});

describe('programs', () => {
  it('are read off their text', () => {
    expect(SCALE.bindings).toEqual([
      { name: 'x', index: 1, access: 'read', element: 'f32' },
      { name: 'y', index: 2, access: 'write', element: 'f32' },
    ]);
    expect(SCALE.uniforms).toEqual([
      { name: 'at', type: 'u32' },
      { name: 'factor', type: 'f32' },
    ]);
  });

  it.each([
    ['@group(1) @binding(1) var<storage, read> x: array<f32>;', 'p: 1 storage bindings, of which 0 have the form'],
    ['@group(0) @binding(1) var<storage, read> x: array<vec4f>;', 'p: 1 storage bindings, of which 0 have the form'],
    ['struct Params { n: u32, size: vec2u }', 'p: Params has 2 fields, of which 1 are f32, u32 or i32'],
  ])('refuses %s', (source, message) => {
    expect(() => parseProgram('p', source)).toThrow(message);
  });

  it('are built once for equal constants', () => {
    const family = program('family', ({ n }: { n: number }) => wgsl`const N = ${n}u;`);
    expect(family({ n: 1 })).toBe(family({ n: 1 }));
    expect(family({ n: 1 })).not.toBe(family({ n: 2 }));
  });
});
