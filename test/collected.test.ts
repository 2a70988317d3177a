import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { TRAINING } from './support/small.js';

/** Opens devices, trains a step on each and closes them; prints how many are left. Node collects garbage when it is asked to. */
const SCRIPT = `
import { setTimeout } from 'node:timers/promises';
const [dist, options] = process.argv.slice(1);
const load = (file) => import(dist + file);
const { openGpu } = await load('node/gpu.js');
const { train } = await load('train/train.js');
const { dataset } = (await load('data/synthetic.js')).syntheticDataset({ items: 240, users: 200, valUsers: 40 });
const opened = [];
const work = async () => {
  const gpu = await openGpu();
  await train({ gpu, dataset, options: JSON.parse(options) });
  opened.push(new WeakRef(gpu), new WeakRef(gpu.device), new WeakRef(gpu.adapter));
  gpu.close();
};
for (let i = 0; i < 4; i++) await work();
let left = opened;
for (let i = 0; i < 50 && left.length > 0; i++) {
  await setTimeout(20);
  globalThis.gc();
  left = left.filter((object) => object.deref());
}
console.log(left.length + ' of ' + opened.length);
`;

it('a device that was closed is collected, with its adapter and what was made on it', async () => {
  const dist = new URL('../dist/', import.meta.url).href;
  const options = JSON.stringify({ ...TRAINING, max_steps: 1 });
  const args = ['--expose-gc', '--input-type=module', '-e', SCRIPT, dist, options];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
  expect(stdout).toBe('0 of 12\n');
});
