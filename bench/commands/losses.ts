import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { GsasError, InputError } from '../../src/base/errors.js';
import { JUDGES } from '../../src/kernels/score/judges/index.js';
import { NEGATIVES } from '../../src/kernels/score/negatives/index.js';
import { registerArchitecture } from '../../src/model/registry.js';
import { openAdapter } from '../../src/node/adapter.js';
import { parseCount, parseNames } from '../common/options.js';
import { saveResults } from '../common/results.js';
import { settingOf, settingText } from '../common/setting.js';
import { bare } from '../losses/bare.js';
import { LOSS_SHAPES, type LossCase, lossCases, QUICK } from '../losses/case.js';
import { headText, type LossRow, measureCase, rowText, SIDES } from '../losses/measure.js';

interface Flags {
  shape: keyof typeof LOSS_SHAPES;
  loss: string[];
  negatives: string[];
  impl: (keyof typeof SIDES)[];
  repeat: number;
  warmup: number;
  quick?: true;
  json?: true;
  save?: true;
}

export function addLosses(program: Command): void {
  const names = { loss: Object.keys(JUDGES), negatives: Object.keys(NEGATIVES), impl: Object.keys(SIDES) };
  program
    .command('losses')
    .description(
      'every loss on all negatives: the loss, gradients of both tables and Adam; compared, then timed in turns',
    )
    .addOption(new Option('--shape <name>', 'catalogue and batch').choices(Object.keys(LOSS_SHAPES)).default('ml1m'))
    .option('--loss <names>', `some of ${names.loss.join(',')}`, parseNames(names.loss), names.loss)
    .option('--negatives <names>', `some of ${names.negatives.join(',')}`, parseNames(names.negatives), names.negatives)
    .option('--impl <names>', `some of ${names.impl.join(',')}, gsas among them`, parseNames(names.impl), ['gsas'])
    .option('--repeat <rounds>', 'timed steps of each', parseCount, 5)
    .option('--warmup <rounds>', 'steps of each before', parseCount, 1)
    .option('--quick', 'a tiny shape and two steps, to see that it works')
    .option('--json', 'one JSON object a line')
    .option('--save', 'keep the times in bench/results/ADAPTER.json')
    .action(runLosses);
}

async function runLosses({ shape: name, quick, json, save, ...flags }: Flags): Promise<void> {
  if (flags.impl[0] !== 'gsas') {
    throw new InputError('--impl: begins with gsas, whose first step the others are compared with');
  }
  registerArchitecture(bare); // here, so that no other bench knows it
  const cases = lossCases(quick ? QUICK : LOSS_SHAPES[name], flags.loss, flags.negatives);
  if (cases.length === 0) {
    throw new InputError(`--loss ${flags.loss} goes with none of --negatives ${flags.negatives}; choose others`);
  }
  const setting = settingOf(await openAdapter());
  if (!json) console.log(`${settingText(setting)}\n${headText()}`);
  const rounds = quick ? 2 : flags.repeat;
  const rows: LossRow[] = [];
  let failures = 0;
  for (const subject of cases) {
    const { measured, failed } = await inFolder(subject, (folder) =>
      measureCase(subject, quick ? 'quick' : name, { ...flags, rounds, folder }),
    );
    rows.push(...measured);
    failures += failed.length;
    for (const row of [...measured, ...failed]) {
      console.log(json ? JSON.stringify({ ...row, ...setting }) : rowText(row));
    }
  }
  if (save) console.error(`kept in ${saveResults(setting, rows)}`);
  if (failures > 0) throw new GsasError(`${failures} could not be measured, see above`);
}

/** A folder by which the processes of a case exchange what they compute on. */
async function inFolder<T>(subject: LossCase, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'gsas-bench-'));
  try {
    writeFileSync(join(folder, 'case.json'), JSON.stringify(subject));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
