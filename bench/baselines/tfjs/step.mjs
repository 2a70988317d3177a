// The tfjs training step as a process that the bench times: pad a batch and draw its negatives on the host, forward, loss, backward, Adam.
import { fileURLToPath } from 'node:url';
import { peakRssMib, processOptions, serve } from '../../.build/bench/step/protocol.js';
import { Batches } from '../../.build/bench/step/rows.js';
import { initialParameters } from '../../.build/src/model/parameters.js';
import { startBackend, tf } from './backend.mjs';
import { checkAgainst } from './check.mjs';
import { GSASRec } from './model.mjs';

const { shape, rows, warmup, backend } = processOptions();
const about = await startBackend(backend);
await checkAgainst(fileURLToPath(new URL('../../../test/fixtures/h1.safetensors', import.meta.url)));
const idle_rss_mib = peakRssMib();

const { items, sequence_length: S, batch_size: B, negs_per_pos: k } = shape;
const config = { num_items: items, num_blocks: shape.blocks, num_heads: shape.heads, ...shape };
const model = new GSASRec(shape, initialParameters(config, { seed: 42 }));
const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
const batches = new Batches(rows, B, S);

/** The inputs [B, S], padded on the left, and [B, S, k+1] the item that follows each and k drawn at random. */
function collate(batch) {
  const ids = new Int32Array(B * S).fill(items + 1);
  const candidates = Int32Array.from({ length: B * S * (k + 1) }, () => 1 + Math.floor(items * Math.random()));
  batch.forEach((row, b) => {
    const first = (b + 1) * S - (row.length - 1);
    ids.set(row.subarray(0, -1), first);
    for (let i = 1; i < row.length; i++) candidates[(first + i - 1) * (k + 1)] = row[i];
  });
  return { ids, candidates };
}

async function step() {
  const { ids, candidates } = collate(batches.next());
  const { value, grads } = model.gradients(ids, candidates);
  optimizer.applyGradients(grads);
  const [loss] = await value.data();
  tf.dispose([value, grads]);
  const { numBytesAllocatedInGPU: bytes } = tf.memory();
  return { loss, ...(bytes !== undefined && { device_mib: bytes / 2 ** 20 }) };
}

await serve(step, warmup, { ...about, idle_rss_mib });
process.exit(0);
