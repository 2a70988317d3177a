import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { GsasError, InputError } from '../../src/base/errors.js';
import { openAdapter } from '../../src/node/adapter.js';
import { parseCount, parseNames } from '../common/options.js';
import { FOLDER } from '../common/results.js';
import { settingOf } from '../common/setting.js';
import { commandsOf, type Outcome, PIECES, type PieceName, type Plan, runCommand } from '../gpu/pieces.js';
import { summaryText } from '../gpu/summary.js';
import { verdicts } from '../gpu/targets.js';
import { drawFile } from '../report/drawings.js';
import { IMPLEMENTATIONS, type ImplementationName } from '../step/implementations.js';

interface Flags extends Plan {
  only: PieceName[];
  software?: true;
}

export function addGpu(program: Command): void {
  program
    .command('gpu')
    .description(
      "everything that is to be known of a GPU, in one call: the kernels' tests, all benches against PyTorch on the same GPU, the targets and whether they were met",
    )
    .option('--only <names>', `some of ${PIECES}`, parseNames(PIECES), [...PIECES])
    .option('--batch-sizes <numbers>', 'of the training step, ML-1M rows', parseCounts, [128, 512])
    .option('--against <implementation>', 'who ours is compared with', parseImplementation, 'pytorch-cuda')
    .option('--users <number>', 'to evaluate', parseCount, 512)
    .option('--repeat <rounds>', 'timed steps and evaluations of each', parseCount, 20)
    .option('--op <name>', 'test and time this operation only')
    .option('--software', 'allow an adapter that computes on the CPU: a rehearsal')
    .option('--no-save', 'print the summary, keep nothing in bench/results')
    .action(runGpu);
}

function parseCounts(text: string): number[] {
  return text.split(',').map(parseCount);
}

function parseImplementation(text: string): string {
  const [name, ...more] = parseNames(Object.keys(IMPLEMENTATIONS) as ImplementationName[])(text);
  if (name === 'gsas' || more.length > 0) throw new InvalidArgumentError('It must be one, and not gsas.');
  return name!;
}

async function runGpu({ only, software, ...plan }: Flags): Promise<void> {
  const found = await openAdapter();
  if (found.software && !software) {
    throw new InputError(
      `${found.name} computes on the CPU: choose a GPU with --adapter, or rehearse with --software (see gsas-wgpu doctor)`,
    );
  }
  const setting = settingOf(found);
  const outcomes: Outcome[] = [];
  for (const [name, command] of only.flatMap((piece) => commandsOf(piece, plan))) {
    console.error(`${name} …`);
    const outcome = await runCommand(name, command, found.name);
    if (outcome.failure !== undefined) console.error(`${name} failed, the rest goes on: ${outcome.failure}`);
    outcomes.push(outcome);
  }
  const summary = summaryText(setting, verdicts(outcomes, plan.against), outcomes);
  console.log(summary);
  if (plan.save) {
    const [page, results] = ['md', 'json'].map((ending) => join(FOLDER, `${found.name}.${ending}`)) as [string, string];
    writeFileSync(page, summary);
    const drawings = existsSync(results) ? await drawFile(results) : [];
    console.error(`kept in ${[page, ...drawings].join(', ')}`);
  }
  const failed = outcomes.filter(({ failure }) => failure !== undefined).map(({ name }) => name);
  if (failed.length > 0) throw new GsasError(`failed, see above: ${failed.join(', ')}`);
}
