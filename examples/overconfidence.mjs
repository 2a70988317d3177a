// Two models side by side on one device: SASRec's loss, with one negative, against gBCE with many. Which ranks better, and which of them
// knows how often it is right?
//
//   node examples/overconfidence.mjs
import {
  comparePaired,
  DEFAULT_RESAMPLING,
  evaluate,
  NeuralRecommender,
  openGpu,
  syntheticDataset,
  train,
} from 'gsas-wgpu';

const K = 10;
const { dataset } = syntheticDataset({ items: 400, users: 1000, valUsers: 100 });
const shape = { sequence_length: 32, embedding_dim: 32, num_heads: 1, num_blocks: 1, dropout_rate: 0.2 };
const training = {
  lr: 0.004,
  init_std: 0.02,
  init_prior: true,
  train_batch_size: 32,
  max_steps: 300,
  max_minutes: 0.5,
};
const losses = {
  'BCE, 1 negative': { negs_per_pos: 1, gbce_t: 0 },
  'gBCE, 32 negatives, t = 1': { negs_per_pos: 32, gbce_t: 1 },
};

// Both at once: the device takes their steps in turn, and each ends with the very weights that it would have alone.
const gpu = await openGpu();
console.log('training two models');
const results = await Promise.all(
  Object.entries(losses).map(async ([name, loss]) => {
    const { best, steps } = await train({ gpu, dataset, options: { ...shape, ...training, ...loss } });
    const model = NeuralRecommender.on(gpu, best);
    const evaluation = await evaluate(model, dataset, 'test', { metrics: ['ndcg', 'recall'], cutoffs: [K] });
    return { name, steps, evaluation, ...(await confidence(model, dataset.test)) };
  }),
);
gpu.close();

const number = (value) => value.toFixed(3).replace('0.', '.');
for (const { name, steps, evaluation, predicted, precision } of results) {
  const { value, low, high } = evaluation.estimates[`ndcg@${K}`];
  console.log(`\n${name} (${steps} steps)`);
  console.log(`  NDCG@${K}                   ${number(value)} [${number(low)}, ${number(high)}]`);
  console.log(`  predicted probability@${K}  ${number(predicted)}  ${bar(predicted)}`);
  console.log(`  precision@${K}              ${number(precision)}  ${bar(precision)}`);
}
const [plain, calibrated] = results;
const { [`ndcg@${K}`]: gap } = comparePaired(calibrated.evaluation.values, plain.evaluation.values, DEFAULT_RESAMPLING);
console.log(
  `\ngBCE less BCE in NDCG@${K}: ${number(gap.difference)} [${number(gap.low)}, ${number(gap.high)}], p ${gap.p.toFixed(4)}`,
);
const times = (of) => (of.predicted / of.precision).toFixed(1);
console.log(`BCE promises ${times(plain)} times what comes true, gBCE ${times(calibrated)} times.`);

/** Means over users: the probability that the model gives its first K items, and the share of them that came next. */
async function confidence(model, { inputs, targets }) {
  const histories = Array.from(targets, (_, user) => inputs.at(user));
  const lists = await model.top(histories, { top: K });
  const probability = ({ score }) => 1 / (1 + Math.exp(-score));
  const hits = lists.filter((list, user) => list.some(({ item }) => item === targets[user]));
  const sum = lists.flat().reduce((total, entry) => total + probability(entry), 0);
  return { predicted: sum / lists.length / K, precision: hits.length / lists.length / K };
}

function bar(share) {
  return '#'.repeat(Math.round(50 * share));
}
