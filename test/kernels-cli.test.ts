import { describe, expect, it } from 'vitest';
import { registry } from '../src/kernels/registry.js';
import { gsas } from './support/command.js';
import { objectsOf } from './support/output.js';

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
});
