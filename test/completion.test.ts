import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { gsas, MAIN } from './support/command.js';
import { scratchFolder } from './support/scratch.js';
import { describeUntested } from './support/untested.js';

const at = scratchFolder();
const bash = await promisify(execFile)('bash', ['--version']).then(
  () => true,
  () => false,
);

/** What bash suggests for these words, the last of which is still being typed. The script is sourced twice, without bash-completion. */
async function suggest(...words: string[]): Promise<string[]> {
  const script = `
PATH=${at('bin')}${delimiter}$PATH
source <(gsas-wgpu completion bash); source <(gsas-wgpu completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$(complete -p gsas-wgpu | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await promisify(execFile)('bash', [
    '--norc',
    '--noprofile',
    '-c',
    script,
    'bash',
    ...words,
  ]);
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean);
}

const IN_BASH = 'completion in bash, read twice and without the package bash-completion';

if (!bash) describeUntested(IN_BASH, 'there is no bash');
else
  describe(IN_BASH, () => {
    beforeAll(() => {
      mkdirSync(at('bin'));
      writeFileSync(at('bin/gsas-wgpu'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
    });

    it.each<[string[], string[]]>([
      [['gsas-wgpu', 'tr'], ['train']],
      [['gsas-wgpu', 'data', 'im'], ['import']],
      [['gsas-wgpu', 'train', '--embedding-d'], ['--embedding-dim']],
      [['gsas-wgpu', 'train', '--preset', 'qu'], ['quick']],
      [['gsas-wgpu', 'train', '--preset', '=', 'qu'], ['quick']],
      [['gsas-wgpu', 'train', '--data', 'some/fol'], []],
    ])('%j', async (words, expected) => {
      expect(await suggest(...words)).toEqual(expected);
    });

    it('lists what a preset can be after the equals sign', async () => {
      expect(await suggest('gsas-wgpu', 'train', '--preset', '=')).toContain('gsasrec-ml1m');
    });
  });

it.each(['zsh', 'fish', 'powershell'])('has a script for %s', async (shell) => {
  const { status, stdout } = await gsas(at(), 'completion', shell);
  expect(status).toBe(0);
  expect(stdout).toMatch(/gsas-wgpu.*complete/);
});
