import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Gpu } from '../engine/gpu.js';
import { Tuning, type TuningAnswer } from '../engine/tuning.js';
import { type Finding, tune } from '../kernels/tune.js';
import { openGpu } from '../node/gpu.js';
import { loadTuning, saveTuning, tunedFor, tuningFile, tuningWanted } from '../node/tuning-cache.js';
import { type ConfigFile, readConfigFile } from '../store/config-file.js';
import { openSource } from '../store/source.js';
import { planTraining } from '../train/plan.js';
import { presetOptions } from '../train/presets.js';
import { Trainer } from '../train/trainer.js';
import { parsePath, presetOption } from './arguments.js';
import { alignColumns, printJson } from './output.js';

/** How long `train` may tune for an adapter on which it uses a model's shapes for the first time. */
const FIRST_USE_SECONDS = 2.5;

interface Flags {
  data?: string;
  config?: string;
  preset?: string;
  json?: true;
}

/** `gsas-wgpu tune`: which variants of the kernels are the fastest here. */
export function addTune(program: Command): void {
  program
    .command('tune')
    .description(
      'measure which variants of the kernels are the fastest on this adapter for the shapes of a training run, and keep the answer; train does the same at first use, for 2.5 s at most, unless GSAS_TUNE=0',
    )
    .option('--data <folder>', 'dataset to be trained on, as for train (default: the embedded one)', parsePath)
    .option('--config <file>', 'options of the run, as for train, such as the config.json of another', parsePath)
    .addOption(presetOption())
    .option('--json', 'print JSON, one measured shape a line')
    .action(runTune);
}

async function runTune(flags: Flags): Promise<void> {
  const file: ConfigFile = flags.config ? readConfigFile(flags.config) : { options: {} };
  const { data, preset = data ? undefined : 'synthetic' } = { ...file, ...flags };
  const { dataset } = openSource(data ? resolve(data) : null);
  const options = [preset ? presetOptions(preset) : {}, file.options];
  const plan = await planTraining({ dataset, options });
  const gpu = await openGpu();
  try {
    const key = tunedFor(gpu.adapter.info);
    const merged = new Tuning();
    for (const answer of loadTuning(key)) merged.add(answer);
    gpu.tuning.clear();
    const trainer = new Trainer(gpu, plan.config, plan.start(), plan);
    await trainer.prepare(plan.batches.capacity);
    trainer.release();
    const findings = await tune(gpu);
    for (const { answer } of findings) merged.add(answer);
    saveTuning(key, merged.answers);
    if (flags.json) for (const finding of findings) printJson(jsonOf(finding));
    else if (findings.length === 0) console.log('nothing in these shapes leaves a choice');
    else console.log(`${table(findings)}\n\n${key.adapter}; kept in ${tuningFile(key)}`);
  } finally {
    gpu.close();
  }
}

/** Tunes for shapes that a run is about to use for the first time, prints a line about it, and saves the answers. */
export async function tuneAtFirstUse(gpu: Gpu, print: (line: string) => void): Promise<void> {
  if (!tuningWanted() || gpu.tuning.open.length === 0) return;
  const since = performance.now();
  const findings = await tune(gpu, { seconds: FIRST_USE_SECONDS });
  const key = tunedFor(gpu.adapter.info);
  saveTuning(key, gpu.tuning.answers);
  const better = findings.map(({ answer }) => answer).filter(({ choice, builtIn }) => choice !== builtIn);
  const outcome = better.length > 0 ? better.map(describeAnswer).join('; ') : 'what is built in is the fastest';
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  print(
    `tuned ${findings.length} ${findings.length === 1 ? 'kernel' : 'kernels'} for this adapter in ${seconds} s, once: ${outcome}`,
  );
}

/** An answer in a few words, such as `matmul K=128 N=128 subgroup=32, about 6400 tokens: 32x2 takes 0.81 of the time of 16x1`. */
export function describeAnswer({ op, shape, size, choice, builtIn, ratio }: TuningAnswer): string {
  const found =
    choice === builtIn ? `${builtIn} as built in` : `${choice} takes ${ratio.toFixed(2)} of the time of ${builtIn}`;
  return `${op} ${shape}, about ${size} tokens: ${found}`;
}

function jsonOf({ answer, question, times }: Finding) {
  return { ...answer, trial: question.trial, median_ms: Object.fromEntries(times) };
}

/** Median milliseconds per launch: of the built-in variant, of the chosen one, and of all that were tried. */
function table(findings: readonly Finding[]): string {
  const rows = findings.map(({ answer, times }) => [
    answer.op,
    answer.shape,
    `${answer.size}`,
    answer.builtIn,
    answer.choice,
    answer.ratio.toFixed(2),
    [...times].map(([name, ms]) => `${name} ${ms.toFixed(3)}`).join('  '),
  ]);
  return alignColumns(
    [['kernel', 'shape', 'tokens', 'built in', 'best', 'ratio', 'median ms a launch'], ...rows],
    [0, 1, 3, 4, 6],
  );
}
