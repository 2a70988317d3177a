import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { registry } from '../src/kernels/registry.js';
import { gsas } from './support/command.js';
import { objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { flagsOf, MODEL } from './support/small.js';

const inFolder = scratchFolder('each test');
const run = (...args: string[]) => gsas(process.cwd(), ...args);

describe('kernels', () => {
  it('lists the registry', async () => {
    const { stdout } = await run('kernels');
    const names = stdout.split('\n').filter((line) => /^\S/.test(line));
    expect(names).toEqual(registry.map(({ name }) => name));
    expect(objectsOf((await run('kernels', '--json')).stdout).map(({ name, cases }) => [name, cases.length])).toEqual(
      registry.map(({ name, cases }) => [name, cases.length]),
    );
  });

  it.each([
    ['32', 32],
    ['8-32', 32],
    ['4-8', 8],
    ['0', 0],
  ])('writes the shaders of a step for subgroups of %s lanes', async (lanes, size) => {
    const folder = inFolder('wgsl');
    const { status, stdout } = await run('kernels', '--wgsl', folder, '--lanes', lanes, ...flagsOf(MODEL));
    expect(status).toBe(0);
    const names = readdirSync(folder).sort();
    expect(names).toEqual(
      stdout
        .trim()
        .split('\n')
        .map((name) => `${name}.wgsl`)
        .sort(),
    );
    expect(names).toEqual(
      expect.arrayContaining(['attention.tiled.backward_key.wgsl', 'matmul.wgsl', 'matmul.2.wgsl']),
    );
    const texts = names.map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.filter((text) => !text.includes('@compute'))).toEqual([]);
    const withSubgroups = texts.filter((text) => text.includes('enable subgroups'));
    expect(withSubgroups.length > 0).toBe(size > 0);
    for (const text of withSubgroups) {
      expect(text).toContain(`@subgroup_size(${size})`);
      expect(text).toContain('@builtin(subgroup_invocation_id) lane');
    }
    expect(texts.filter((text) => /subgroup[A-Z]/.test(text))).toEqual(withSubgroups);
    const again = await run('kernels', '--wgsl', folder);
    expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining(`${folder} is not empty`) });
  });

  it('takes options of training with --wgsl alone, and lanes that a GPU can have', async () => {
    for (const flags of [
      ['--num-heads', '2'],
      ['--lanes', '32'],
      ['--data', 'x'],
    ]) {
      expect(await run('kernels', ...flags)).toMatchObject({
        status: 2,
        stderr: `error: ${flags[0]} needs --wgsl, the folder to write shaders to\n`,
      });
    }
    for (const lanes of ['7', '32-8', 'x', '']) {
      expect(await run('kernels', '--wgsl', 'x', '--lanes', lanes)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('power of two'),
      });
    }
  });
});
