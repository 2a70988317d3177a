import { Gpu } from '../../src/engine/gpu.js';
import { initialParameters } from '../../src/model/parameters.js';
import { openAdapter } from '../../src/node/adapter.js';
import { restDuring } from '../../src/node/rest.js';
import { resolveConfig } from '../../src/train/config.js';
import { Trainer } from '../../src/train/trainer.js';
import { peakRssMib, processOptions, serve } from './protocol.js';
import { Batches, layOut } from './rows.js';

/** Our training step as a process of its own: batch, upload, one submit, and the loss waited for. */

const { shape, rows, warmup, profile } = processOptions();
const { adapter, name } = await openAdapter();
const gpu = await Gpu.open(adapter, { profile, onWait: restDuring });
const idle_rss_mib = peakRssMib();

const { items, blocks, heads, dropout, batch_size, ...same } = shape;
const config = resolveConfig(items, [
  { ...same, num_blocks: blocks, num_heads: heads, dropout_rate: dropout, train_batch_size: batch_size },
]);
const trainer = new Trainer(gpu, config, { weights: initialParameters(config, { seed: config.seed }), step: 0 });
const batches = new Batches(rows, batch_size, shape.sequence_length);
trainer.prepare(batches.capacity);

async function step() {
  const loss = await trainer.train(layOut(batches.next()));
  const kernels = await gpu.profiler?.take();
  return { loss, device_mib: gpu.pool.peakBytes / 2 ** 20, ...(kernels && { kernels }) };
}

await serve(step, warmup, { adapter: name, idle_rss_mib });
gpu.close();
