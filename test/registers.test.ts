import { describe, expect, it } from 'vitest';
import { type Budget, judge } from '../bench/registers/budget.js';
import type { Shader } from '../bench/registers/models.js';
import { type Compiled, compileFor, radvManifest, readStatistics } from '../bench/registers/radv.js';
import { describeUntested } from './support/untested.js';

const shader = (kernel: string, source = ''): Shader => ({ model: 'small', kernel, source });

const FITS = { registers: 64, spilled: 0, scratch: 0, shared: 0, waves: 8, instructions: 9, latency: 9, throughput: 9 };
const compiled = (kernel: string, numbers: Partial<Compiled> = {}): Compiled => ({
  ...shader(kernel),
  ...FITS,
  ...numbers,
});

describe('a budget', () => {
  const budget: Budget = { waves: 8, fewer: { wide: 4 }, known: {} };

  it('allows no spill, no scratch and no fewer waves than it wants of a kernel', () => {
    const fit = [compiled('a'), compiled('wide', { waves: 4 })];
    expect(judge(fit, budget)).toEqual({ over: [], expected: [] });
    for (const wrong of [{ spilled: 1 }, { scratch: 4 }, { waves: 7 }]) {
      const { over, expected } = judge([...fit, compiled('b', wrong)], budget);
      expect(expected).toEqual([]);
      expect(over).toEqual([expect.stringMatching(/^b \(small\): /)]);
    }
    expect(judge([compiled('wide', { waves: 3 })], budget).over).toHaveLength(1);
  });

  it('tells of what is known, which may not grow worse, and is forgotten once it fits', () => {
    const known = { ...budget, known: { b: { issue: 'issue 1', spilled: 5, scratch: 0, waves: 6 } } };
    expect(judge([compiled('b', { spilled: 5 })], known)).toEqual({
      over: [],
      expected: [expect.stringContaining('issue 1')],
    });
    for (const worse of [{ spilled: 6 }, { scratch: 4 }, { waves: 5 }]) {
      expect(judge([compiled('b', worse)], known).over).toHaveLength(1);
    }
    expect(judge([compiled('b')], known).over).toEqual([expect.stringContaining('b fits by now')]);
  });
});

it('statistics that a shader lacks, or that have another name, are an error', () => {
  const lines = [
    'VGPRs: 8',
    'Spilled VGPRs: 1',
    'Spilled SGPRs: 2',
    'Scratch size: 4',
    'LDS size: 0',
    'Subgroups per SIMD: 16',
  ];
  const text = ['@shader 0', ...lines, 'Instructions: 3', 'Latency: 5', 'Inverse Throughput: 7', '@shader end'].join(
    '\n',
  );
  expect(readStatistics(text, [shader('a')])[0]).toMatchObject({
    registers: 8,
    spilled: 3,
    scratch: 4,
    waves: 16,
    throughput: 7,
  });
  expect(() => readStatistics(text, [shader('a'), shader('b')])).toThrow('RADV gives no "VGPRs" for b of small');
  expect(() => readStatistics(text.replace('Latency', 'Delay'), [shader('a')])).toThrow('no "Latency" for a');
});

/** Holds `count` vectors until the end, each read by every lane. */
const holding = (count: number) => `
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(32)
fn main(@builtin(local_invocation_index) lane: u32) {
${Array.from({ length: count }, (_, i) => `let x${i} = x[lane * ${count}u + ${i}u];`).join('\n')}
  workgroupBarrier();
  storageBarrier();
${Array.from({ length: count }, (_, i) => `y[lane * ${count}u + ${i}u] = x${i} * x${count - 1 - i};`).join('\n')}
}`;

if (!radvManifest())
  describeUntested('registers of compiled shaders', 'there is no RADV, which mesa-vulkan-drivers brings');
else {
  it.each(['navi31', 'polaris10'] as const)('a shader that fits %s and one that spills are told apart', (family) => {
    const { driver, shaders } = compileFor(family, [shader('few', holding(4)), shader('many', holding(100))]);
    expect(driver).toMatch(/Mesa/);
    const [few, many] = shaders;
    expect(few).toMatchObject({ kernel: 'few', spilled: 0, scratch: 0 });
    expect(few.registers).toBeGreaterThanOrEqual(16);
    expect(many.spilled).toBeGreaterThan(0);
    expect(many.waves).toBeLessThan(few.waves);
  });

  it('a shader that does not compile is an error', () => {
    const broken = shader('broken', '@compute @workgroup_size(1) fn main() { x = 1; }');
    expect(() => compileFor('polaris10', [broken])).toThrow('RADV did not compile for polaris10');
  });
}
