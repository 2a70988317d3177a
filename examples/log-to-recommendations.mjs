// From a log file to recommendations: imports a CSV file, trains for some seconds, and recommends to a reader who is not in the log.
//
//   node examples/log-to-recommendations.mjs
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ItemFinder,
  importInteractions,
  itemNames,
  NeuralRecommender,
  openGpu,
  RunFolder,
  readDataset,
  train,
} from 'gsas-wgpu';
import { loans } from './bookshop.mjs';

const folder = mkdtempSync(join(tmpdir(), 'gsas-wgpu-'));
const [log, data, run] = ['loans.csv', 'data', 'run'].map((name) => join(folder, name));
writeFileSync(log, loans());

// One signal ends whatever is under way: importing throws its reason, training saves the run and returns.
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
const { signal } = interrupt;

const columns = { userCol: 'reader', itemCol: 'book', timeCol: 'lent' };
const { stats } = await importInteractions({ files: [log], out: data, ...columns, valUsers: 200, signal });
console.log(`${stats.interactions} loans of ${stats.items} books by ${stats.users} readers, in ${log}`);

const gpu = await openGpu();
const model = { sequence_length: 16, embedding_dim: 32, num_heads: 1, num_blocks: 1, dropout_rate: 0.1 };
const loss = { negs_per_pos: 16, gbce_t: 1 }; // t = 1: the sigmoid of a score approximates a probability
const training = { lr: 0.01, init_std: 0.02, init_prior: true, train_batch_size: 32, max_steps: 310, max_minutes: 0.5 };
const { best } = await train({
  gpu,
  dataset: readDataset(data),
  store: new RunFolder(run, { data }), // the folder notes where the data is, so that the commands find it
  options: { ...model, ...loss, ...training },
  signal,
  onStep: ({ step, loss }) => process.stdout.isTTY && process.stdout.write(`\rstep ${step}  loss ${loss.toFixed(4)}\r`),
  onValidation: (done) => console.log(`step ${done.step}: for ${percent(done['recall@1'])} the next loan comes first`),
});

if (best) {
  const trained = NeuralRecommender.on(gpu, best);
  const names = itemNames(data);
  const finder = new ItemFinder(names, best.config.num_items);
  // Books by what a person calls them, misspelt or not.
  const history = ['the hobbit', 'felowship of the ring', 'two towers'].map((title) => finder.find(title).item);
  const [found] = await trained.top([history], { top: 5 });
  console.log(`\nAfter ${history.map((item) => names.titles.get(item)).join(', ')}:`);
  for (const { item, probability } of found) {
    console.log(`  ${percent(probability).padStart(4)}  ${names.titles.get(item)}`);
  }
}
console.log(`\nThe same from a browser: npx gsas-wgpu serve ${run}`);
gpu.close();

function percent(share) {
  return `${(100 * share).toFixed(0)} %`;
}
