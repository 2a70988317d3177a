// A page and Deno load this file as it is, so it is JavaScript and imports nothing. `library` is what dist/browser.js exports.

/** A device of the host's own WebGPU, and its name. */
async function openHost({ Gpu }, options) {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('WebGPU has no adapter here');
  const { vendor, architecture, description } = adapter.info;
  const name = [vendor, architecture, description].filter((part) => part).join(' ');
  return { name, gpu: await Gpu.open(adapter, options) };
}

/** Checks every case of the registry. */
export async function runCases(library, options) {
  const { registry, checkCase, isOff } = library;
  const { name, gpu } = await openHost(library, options);
  const cases = {};
  for (const op of registry) {
    for (const number of op.cases.keys()) {
      cases[`${op.name} ${number}`] = await checkCase(gpu, op, number).then(
        (deviations) => ({
          compared: deviations.length,
          wrong: deviations.filter(isOff).map(({ name, apart, tolerance }) => `${name}: ${apart}, not ${tolerance}`),
        }),
        (error) => ({ compared: 0, wrong: [error.message] }),
      );
    }
  }
  const { subgroupSize } = gpu.capabilities;
  gpu.close();
  return { adapter: name, subgroupSize, cases };
}

/** Trains a small model for a few steps and asks it what comes next. */
export async function runTraining(library, given) {
  const { syntheticDataset, train, NeuralRecommender } = library;
  const gpu = given ?? (await openHost(library)).gpu;
  const { dataset } = syntheticDataset({ users: 300, items: 200 });
  const losses = [];
  const { best } = await train({
    gpu,
    dataset,
    options: {
      ...{ sequence_length: 20, embedding_dim: 16, num_heads: 2, num_blocks: 1, dropout_rate: 0.1, negs_per_pos: 8 },
      ...{ train_batch_size: 16, lr: 0.01, max_batches_per_epoch: 10, max_steps: 20, seed: 7 },
    },
    onStep: ({ loss }) => losses.push(loss),
  });
  const recommender = NeuralRecommender.on(gpu, best);
  const [top] = await recommender.top([[1, 2, 3]], { top: 5 });
  if (!given) gpu.close();
  return { losses, top };
}

/** Losses of 20 steps of a small model by an optimizer, and the parameters after them. */
export async function runSteps(library, optimizer, given) {
  const { syntheticDataset, TrainingBatches, nextItem, resolveConfig, initialParameters, Trainer } = library;
  const gpu = given ?? (await openHost(library)).gpu;
  const { dataset } = syntheticDataset({ users: 200, items: 240, valUsers: 40 });
  const config = resolveConfig(dataset.numItems, [
    {
      ...{ sequence_length: 20, embedding_dim: 16, num_heads: 2, num_blocks: 1, dropout_rate: 0.1, negs_per_pos: 8 },
      ...{ train_batch_size: 32, lr: 5e-3, seed: 5, optimizer },
    },
  ]);
  const batches = new TrainingBatches(nextItem, dataset.train, { sequenceLength: 20, batchSize: 32, seed: 1 });
  const trainer = new Trainer(gpu, config, { weights: initialParameters(config, { seed: 1, std: 0.1 }), step: 0 });
  const losses = [];
  for (let i = 0; i < 20; i++) losses.push(await trainer.train(batches.batch(0, i % batches.perEpoch)));
  const weights = [...(await trainer.weights())].map(([name, { data }]) => [name, [...data]]);
  trainer.release();
  if (!given) gpu.close();
  return { losses, weights };
}
