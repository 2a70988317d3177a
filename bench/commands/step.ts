import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { GsasError } from '../../src/engine/errors.js';
import type { KernelTime } from '../../src/engine/profiler.js';
import { openAdapter } from '../../src/node/adapter.js';
import { saveResults } from '../common/results.js';
import { loadWarning, settingOf } from '../common/setting.js';
import { median } from '../common/statistics.js';
import { IMPLEMENTATIONS, Implementation, type ImplementationName } from '../step/implementations.js';
import { race } from '../step/race.js';
import { reportText, rowOf } from '../step/report.js';
import { drawRows } from '../step/rows.js';
import {
  LENGTHS,
  SHAPE_KEYS,
  SHAPES,
  type ShapeKey,
  type ShapeName,
  type StepShape,
  shapeFlags,
  stepText,
} from '../step/shapes.js';

interface Flags extends Record<string, unknown> {
  shape: ShapeName;
  impl: ImplementationName[];
  repeat: number;
  warmup: number;
  profile?: true;
  json?: true;
  save?: true;
}

export function addStep(program: Command): void {
  const command = program
    .command('step')
    .description(
      'one training step (batch, forward, loss, backward, Adam); implementations take turns on the same batches',
    )
    .addOption(
      new Option(
        '--shape <name>',
        'catalogue, window and lengths of rows; for the numbers below it has the defaults in brackets',
      )
        .choices(Object.keys(SHAPES))
        .default('ml1m'),
    )
    .option('--impl <names>', `some of ${Object.keys(IMPLEMENTATIONS).join(',')}`, parseNames, ['gsas'])
    .option('--repeat <rounds>', 'timed steps of each', parseCount, 5)
    .option('--warmup <steps>', 'steps of each before', parseCount, 1)
    .option('--profile', 'GPU time of each kernel of ours as well, in steps of their own')
    .option('--json', 'one JSON object a line')
    .option('--save', 'keep the times in bench/results/ADAPTER.json');
  const keys = (Object.keys(SHAPE_KEYS) as ShapeKey[]).map((key) => {
    const defaults = Object.values(SHAPES).map((shape) => shape[key]);
    const option = new Option(`--${key.replaceAll('_', '-')} <number>`, `${SHAPE_KEYS[key]} (${defaults.join(', ')})`);
    command.addOption(option.argParser(Number.isInteger(defaults[0]) ? parseCount : parseShare));
    return [option.attributeName(), key] as const;
  });
  command.action((flags: Flags) => {
    const given = keys.filter(([name]) => flags[name] !== undefined).map(([name, key]) => [key, flags[name]]);
    return runStep(flags, { ...SHAPES[flags.shape], ...Object.fromEntries(given) });
  });
}

function parseNames(text: string): ImplementationName[] {
  const names = text.split(',');
  const unknown = names.find((name) => !Object.hasOwn(IMPLEMENTATIONS, name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no ${unknown}.`);
  return names as ImplementationName[];
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

function parseShare(text: string): number {
  if (!/^[01](\.\d+)?$/.test(text) || Number(text) > 1)
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return Number(text);
}

async function runStep(flags: Flags, shape: StepShape): Promise<void> {
  const warning = loadWarning();
  if (warning) console.error(`warning: ${warning}`);
  const setting = settingOf(await openAdapter());
  const { batch_size: B, items, sequence_length: S } = shape;
  const rows = drawRows(LENGTHS[flags.shape], B * (flags.warmup + flags.repeat), items, S);
  const folder = mkdtempSync(join(tmpdir(), 'gsas-bench-'));
  try {
    const file = join(folder, 'rows.jsonl');
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const common = [...shapeFlags(shape), '--rows', file, '--warmup', String(flags.warmup)];
    const text = stepText(flags.shape, shape);
    if (!flags.json)
      console.log(`${setting.adapter} (${setting.driver}) on ${setting.processor}, commit ${setting.commit}\n${text}`);
    const turns = await race(flags.impl, common, flags.repeat, (reason) => console.error(`left out: ${reason}`));
    if (turns.length === 0) throw new GsasError('no implementation could be timed, see above');

    const timed = rows.slice(B * flags.warmup);
    const positions = timed.reduce((sum, row) => sum + row.length - 1, 0) / flags.repeat;
    const kernels = flags.profile ? await profile([...common, '--profile'], flags.repeat) : [];
    const measured = turns.map((turn) => rowOf(turn, turns[0]!, text, positions, kernels));
    if (flags.json) for (const row of measured) console.log(JSON.stringify({ ...row, ...setting }));
    else console.log(reportText(measured, kernels));
    if (flags.save) console.error(`kept in ${saveResults(setting, measured)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** GPU milliseconds a step of each of our kernels, the median over steps, longest first. */
async function profile(flags: readonly string[], steps: number): Promise<KernelTime[]> {
  const implementation = await Implementation.start('gsas', flags);
  const all: KernelTime[][] = [];
  for (let i = 0; i < steps; i++) all.push((await implementation.step()).kernels!);
  implementation.stop();
  const of = (name: string) => all.map((times) => times.find((time) => time.name === name)?.milliseconds ?? 0);
  const medians = all[0]!.map(({ name, launches }) => ({ name, launches, milliseconds: median(of(name)) }));
  return medians.sort((a, b) => b.milliseconds - a.milliseconds);
}
