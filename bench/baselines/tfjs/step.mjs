// tfjs's training step and evaluation as a process that the bench times: batches and negatives made on the host, forward, loss, backward, Adam;
// the catalogue scored, seen items out, the target's rank and the best ten.
import { fileURLToPath } from 'node:url';
import { peakRssMib } from '../../.build/bench/common/memory.js';
import { onError, processOptions, serve, TOP } from '../../.build/bench/step/protocol.js';
import { Batches } from '../../.build/bench/step/rows.js';
import { weightsOf } from '../../.build/bench/step/weights.js';
import { dataOf, startBackend, tf } from './backend.mjs';
import { checkAgainst } from './check.mjs';
import { GSASRec } from './model.mjs';
import { RaggedGSASRec } from './ragged.mjs';

/** Users scored at a time, as PyTorch's script has it. */
const EVAL_BATCH = 128;
/** A score below all others. */
const OUT = -1e30;

onError();
const { shape, rows, weights, backend, best, noFilter } = processOptions();
const about = await startBackend(backend);
const Model = best ? RaggedGSASRec : GSASRec;
await checkAgainst(fileURLToPath(new URL('../../../test/fixtures/h1.safetensors', import.meta.url)), Model);
const idle_rss_mib = peakRssMib();

const { items, sequence_length: S, batch_size: B } = shape;
const model = new Model(shape, weightsOf(shape, weights));
const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
const batches = new Batches(rows, B, S);

function memory() {
  const { numBytesAllocatedInGPU: bytes } = tf.memory();
  return bytes === undefined ? {} : { device_mib: bytes / 2 ** 20 };
}

async function step() {
  model.training = true;
  const batch = model.collate(batches.next(), () => 1 + Math.floor(items * Math.random()));
  const { value, grads } = model.gradients(batch);
  optimizer.applyGradients(grads);
  const [loss] = await dataOf(value);
  tf.dispose([value, grads]);
  return { loss, ...memory() };
}

/** [b, N+2]: what is added to the scores so that seen items, and the ids that are no items, come last */
function penalties(histories) {
  const out = new Float32Array(histories.length * (items + 2));
  histories.forEach((history, b) => {
    const first = b * (items + 2);
    out[first] = out[first + items + 1] = OUT;
    if (!noFilter) for (const item of history) out[first + item] = OUT;
  });
  return out;
}

async function rankBatch(users) {
  const histories = users.map((row) => row.subarray(0, -1));
  const targets = users.map((row, b) => b * (items + 2) + row.at(-1));
  const [best, ranks, targetScores] = tf.tidy(() => {
    const scores = tf.add(model.scores(histories), tf.tensor2d(penalties(histories), [users.length, items + 2]));
    const targetScores = tf.gather(tf.reshape(scores, [-1]), tf.tensor1d(targets, 'int32'));
    const higher = tf.sum(tf.cast(tf.greater(scores, tf.expandDims(targetScores, 1)), 'float32'), 1);
    return [tf.topk(scores, TOP).indices, tf.add(higher, 1), targetScores];
  });
  const [ids, ranked, found] = await Promise.all([best, ranks, targetScores].map(dataOf));
  tf.dispose([best, ranks, targetScores]);
  return {
    ranks: Array.from(ranked, (rank, b) => (found[b] > OUT / 2 ? rank : 0)),
    top: users.map((_, b) => [...ids.subarray(b * TOP, (b + 1) * TOP)]),
  };
}

async function evaluate() {
  model.training = false;
  const ranking = { ranks: [], top: [] };
  for (let first = 0; first < batches.rows.length; first += EVAL_BATCH) {
    const { ranks, top } = await rankBatch(batches.rows.slice(first, first + EVAL_BATCH));
    ranking.ranks.push(...ranks);
    ranking.top.push(...top);
  }
  return ranking;
}

const gain = (rank) => (rank >= 1 && rank <= TOP ? 1 / Math.log2(rank + 1) : 0);

await serve(
  {
    step,
    async eval() {
      const { ranks } = await evaluate();
      return { 'ndcg@10': ranks.reduce((sum, rank) => sum + gain(rank), 0) / ranks.length, ...memory() };
    },
    ranks: async () => ({ ranking: await evaluate() }),
  },
  { ...about, idle_rss_mib },
);
process.exit(0);
