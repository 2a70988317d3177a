import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { surveyAdapters } from '../src/node/adapter.js';
import { writeDataset } from '../src/store/layout.js';
import { loadResumable } from '../src/store/resumable.js';
import { MAIN, start } from './support/command.js';
import { scratchFolder } from './support/scratch.js';
import { dataset } from './support/small.js';
import { skipUntested } from './support/untested.js';

const at = scratchFolder();
beforeAll(() => writeDataset(at('data'), dataset));

/** A model whose shaders take Mesa a minute and more to compile. */
const WIDE = ['--embedding-dim', '1000', '--num-blocks', '1', '--sequence-length', '20'];
/** Far less than the compiler takes, and more than saving does on a busy machine. */
const SOON = 40;

it('a training whose shaders are still being compiled ends at the first signal, and can be resumed', async (context) => {
  const { chosen } = await surveyAdapters();
  if (!chosen?.name.includes('llvmpipe')) skipUntested(context, 'only lavapipe takes that long to compile a shader');
  const args = ['train', '--data', 'data', '--out', 'run', '--no-report', ...WIDE];
  const training = start(process.execPath, [MAIN, ...args], at(), { MESA_SHADER_CACHE_DIR: at('shaders') });
  await training.printed(/^adapter: /m);
  await sleep(3000);
  const asked = performance.now();
  training.signal('SIGTERM');
  const { status, stdout, stderr } = await training.ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^stopped after 0 steps, .*: interrupted$/m);
  expect((performance.now() - asked) / 1000).toBeLessThan(SOON);
  expect(loadResumable(at('run')).step).toBe(0);
});
