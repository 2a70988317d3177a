/**
 * Trains for long, opens and closes trainers and devices, and prints what the process holds meanwhile, as JSON.
 * Arguments: the folder of dist, the options of training, and the numbers of steps, trainers and devices. Needs --expose-gc.
 */
import { existsSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const [dist, options, ...counts] = process.argv.slice(2);
const [steps, trainers, devices] = counts.map(Number);
const load = (file) => import(dist + file);
const { openGpu } = await load('node/gpu.js');
const { syntheticDataset } = await load('data/synthetic.js');
const { planTraining } = await load('train/plan.js');
const { Trainer } = await load('train/trainer.js');

const { dataset } = syntheticDataset({ items: 240, users: 200, valUsers: 40 });
const { config, batches, start } = await planTraining({ dataset, options: JSON.parse(options) });
const SAMPLES = 20;

async function sample(gpu, at, milliseconds) {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await setTimeout(5);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const handles = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
  return {
    at,
    rss,
    host: heapUsed + external,
    handles,
    milliseconds,
    buffers: gpu?.created.buffers ?? 0,
    device: gpu?.pool.peakBytes ?? 0,
  };
}

/** Repeats work, with samples on the way. The first tenth warms up. */
async function repeat(count, work, gpu) {
  const samples = [];
  for (let i = 0; i < count / 10; i++) await work(i);
  const each = Math.max(1, Math.floor(count / SAMPLES));
  for (let i = 0; i < count; ) {
    const times = [];
    for (const end = Math.min(count, i + each); i < end; i++) {
      const began = performance.now();
      await work(i);
      times.push(performance.now() - began);
    }
    samples.push(await sample(gpu, i, times.sort((a, b) => a - b)[times.length >> 1]));
  }
  return samples;
}

const gpu = await openGpu();
const trainer = new Trainer(gpu, config, start());
await trainer.prepare(batches.capacity);
const result = {
  steps: await repeat(steps, (i) => trainer.train(batches.batch(0, i % batches.perEpoch)), gpu),
};
trainer.release();
result.trainers = await repeat(
  trainers,
  async (i) => {
    const one = new Trainer(gpu, config, start());
    await one.train(batches.batch(0, i % batches.perEpoch));
    one.release();
  },
  gpu,
);
gpu.close();
result.devices = await repeat(devices, async () => {
  const other = await openGpu();
  const one = new Trainer(other, config, start());
  await one.train(batches.batch(0, 0));
  other.close();
});
console.log(JSON.stringify(result));
process.exit();
