import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { PRESET_USES } from '../src/train/presets.js';
import { gsas } from './support/command.js';

it.each(['train', 'tune'])('%s --help says what each preset is for', async (command) => {
  const { stdout } = await gsas(tmpdir(), command, '--help');
  const text = stdout.replaceAll(/\s+/g, ' ');
  for (const [name, use] of Object.entries(PRESET_USES)) expect(text).toContain(`${name}, ${use}`);
});
