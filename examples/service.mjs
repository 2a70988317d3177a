// A service within one's own program: trains on loans of books, or takes a run of yours, serves it over HTTP, and asks it what comes next
// and what it looked at.
//
//   node examples/service.mjs
//   node examples/service.mjs RUN TITLE…      the history, oldest first
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  importInteractions,
  itemNames,
  loadCheckpoint,
  NeuralRecommender,
  openGpu,
  RunFolder,
  readDataset,
  recallSource,
  serve,
  train,
} from 'gsas-wgpu';
import { loans } from './bookshop.mjs';

const READERS = [
  ['The Big Sleep', 'Farewell, My Lovely', 'A Study in Scarlet'],
  ['Foundation', 'Dune', 'Dune Mesiah'], // misspelt, and understood
  ['Northern Lights', 'Prince Caspian', 'The Cat in the Hat'], // the last is not in the library
];

const gpu = await openGpu();
const [, , given, ...titles] = process.argv;
const run = given ?? (await trainOnLoans());
const model = NeuralRecommender.on(gpu, loadCheckpoint(run));

// Ctrl-C ends the service: what it has begun to answer, it answers.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
let served;
const address = await new Promise((resolve, reject) => {
  const names = itemNames(recallSource(run));
  served = serve({ recommender: model, names }, { port: 0, signal: stop.signal, onOpen: resolve });
  served.catch(reject);
});
console.log(`served at ${address}; a browser finds a page there`);

// What is asked at the same time goes through the GPU together.
const histories = titles.length > 0 ? [titles] : READERS;
for (const { history, items, unknown } of await Promise.all(histories.map(ask))) {
  console.log('\nread, and where the model looked:');
  for (const { title, weight } of history) console.log(`  ${'#'.repeat(Math.round(20 * weight)).padEnd(20)}  ${title}`);
  for (const { text } of unknown) console.log(`  ${'unknown'.padEnd(20)}  ${text}`);
  console.log(`next: ${items.map(({ title }) => title).join(', ')}`);
}
stop.abort();
await served;
gpu.close();

async function ask(history) {
  const body = JSON.stringify({ history, top: 3, explain: true });
  const response = await fetch(new URL('recommend', address), { method: 'POST', body });
  return response.json();
}

/** A model after some seconds. @returns the run's folder */
async function trainOnLoans() {
  const folder = mkdtempSync(join(tmpdir(), 'gsas-wgpu-'));
  const [log, data, out] = ['loans.csv', 'data', 'run'].map((name) => join(folder, name));
  writeFileSync(log, loans());
  const columns = { userCol: 'reader', itemCol: 'book', timeCol: 'lent' };
  await importInteractions({ files: [log], out: data, ...columns, valUsers: 200 });
  const model = { sequence_length: 16, embedding_dim: 32, num_heads: 1, num_blocks: 1, dropout_rate: 0.1 };
  const training = { negs_per_pos: 16, lr: 0.01, init_std: 0.02, init_prior: true, max_steps: 200, max_minutes: 0.5 };
  await train({
    gpu,
    dataset: readDataset(data),
    store: new RunFolder(out, { data }),
    options: { ...model, ...training },
  });
  return out;
}
