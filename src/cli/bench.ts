import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { InputError } from '../base/errors.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Runs `npm run bench` in a clone. The benches, their baselines and what they need are not part of the package. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('time kernels and training steps, also against PyTorch and tfjs; in a clone of the repository')
    .argument('[arguments...]', 'those of npm run bench')
    .allowUnknownOption()
    .helpOption(false)
    .action((args: string[]) => {
      if (!existsSync(`${ROOT}bench/main.ts`)) {
        throw new InputError('the benches are not in the package: clone the repository and type `npm run bench` there');
      }
      const shell = process.platform === 'win32'; // npm is a batch file there
      const { status } = spawnSync('npm', ['run', '--silent', 'bench', '--', ...args], {
        cwd: ROOT,
        stdio: 'inherit',
        shell,
      });
      process.exitCode = status ?? 1;
    });
}
