import { InputError } from '../base/errors.js';
import { withNothingHeldOut } from '../data/histories.js';
import { loadCheckpoint } from '../store/checkpoint.js';
import { resumableFile } from '../store/resumable.js';
import { RunFolder, selectionOf } from '../store/run-folder.js';
import { tryRecallSource } from '../store/source.js';
import type { Checkpoint } from '../train/checkpoint.js';
import type { TrainOptions } from '../train/config.js';
import { formatMetric } from './metrics.js';
import { type TrainJob, trainPart } from './train-run.js';

/**
 * Trains the model that is to be used: a first run, in OUT/selection, chooses the number of epochs on the validation split; a second
 * one, in OUT, trains as long on everything, held-out items included.
 * @throws InputError where nobody is held out for validation, or it is not known which user a held-out line is of
 */
export async function trainFinal(job: TrainJob): Promise<void> {
  const { source, data, out, resume, start, flags } = job;
  const selection = selectionOf(out);
  const { dataset } = source;
  if (dataset.val.targets.length === 0) {
    throw new InputError(
      `${dataset.name} holds nobody out for validation, by whom --final chooses the number of epochs; leave out --final and say --max-epochs`,
    );
  }
  const whole = withNothingHeldOut(dataset);
  if (!resume) new RunFolder(out).checkVacant();
  const isChosen = resume && tryRecallSource(out) !== undefined;
  if (!isChosen) {
    console.log(`1 of 2: choosing the number of epochs on the validation split, in ${selection}`);
    const store = new RunFolder(selection, { data });
    const request = { ...start, dataset, store, resume };
    await trainPart(job, { request, closing: (_, { best }) => (best ? `best validation at ${lengthOf(best)}` : '') });
    if (flags.dryRun) return;
  }
  const best = loadCheckpoint(selection);
  console.log(`\n2 of 2: training on everything, held-out items included, for ${lengthOf(best)}, in ${out}`);
  const store = new RunFolder(out, { data, everything: true });
  const goesOn = isChosen && resumableFile(out) !== undefined;
  const request = { ...start, options: goesOn ? {} : asLong(best), dataset: whole, store, resume: goesOn };
  await trainPart(job, { request, closing: () => closing(out, best) });
}

/** The options of a run that trains as long as another did until its best validation. */
function asLong({ config: { num_items, ...options }, epoch, step }: Checkpoint): Partial<TrainOptions> {
  const until = epoch > 0 ? { max_epochs: epoch, max_steps: null } : { max_steps: step };
  return { ...options, ...until, max_minutes: null };
}

function lengthOf({ epoch, step }: Checkpoint): string {
  if (epoch === 0) return `${step} steps`;
  return epoch === 1 ? '1 epoch' : `${epoch} epochs`;
}

/** Says which numbers belong to which weights. */
function closing(out: string, best: Checkpoint): string {
  const metric = best.config.val_metric;
  return [
    `for use: ${out}/best.safetensors, trained on everything for ${lengthOf(best)}; it has no numbers of its own, as it has seen the held-out items`,
    `to judge it by: ${selectionOf(out)}/best.safetensors, trained without them as long; validation ${metric} ${formatMetric(best.metrics[metric])}`,
    '\nnext:',
    `  npx gsas-wgpu evaluate ${selectionOf(out)} --split test --baselines`,
    `  npx gsas-wgpu recommend ${out} --all-users --out recommendations.csv`,
  ].join('\n');
}
