import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { openAdapter } from '../../src/node/adapter.js';
import { addShapeOptions, parseCount } from '../common/options.js';
import { saveResults } from '../common/results.js';
import { settingOf, settingText } from '../common/setting.js';
import { digits, tableLines } from '../common/table.js';
import { measureStarts, type StartupRow, startupRow } from '../startup/measure.js';
import { drawRows } from '../step/rows.js';
import { LENGTHS, SHAPES, type ShapeName, type StepShape, shapeFlags, stepText } from '../step/shapes.js';

interface Flags extends Record<string, unknown> {
  shape: ShapeName;
  repeat: number;
  json?: true;
  save?: true;
}

export function addStartup(program: Command): void {
  const command = program
    .command('startup')
    .description(
      'from the start of a process to its first training step, with the shader cache of the driver empty and full',
    )
    .addOption(new Option('--shape <name>', 'as for bench step').choices(Object.keys(SHAPES)).default('ml1m'))
    .option('--repeat <rounds>', 'starts with either cache', parseCount, 5)
    .option('--json', 'one JSON object a line')
    .option('--save', 'keep the times in bench/results/ADAPTER.json');
  const given = addShapeOptions(command, Object.values(SHAPES));
  command.action((flags: Flags) => runStartup(flags, { ...SHAPES[flags.shape], ...given(flags) }));
}

async function runStartup({ shape: name, repeat, json, save }: Flags, shape: StepShape): Promise<void> {
  const setting = settingOf(await openAdapter());
  const folder = mkdtempSync(join(tmpdir(), 'gsas-bench-'));
  try {
    const file = join(folder, 'rows.jsonl');
    const rows = drawRows(LENGTHS[name], 2 * shape.batch_size, shape.items, shape.sequence_length);
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const text = stepText(name, shape);
    const { cold, warm } = await measureStarts([...shapeFlags(shape), '--rows', file], repeat);
    const measured = [startupRow('cold', text, cold), startupRow('warm', text, warm)];
    if (json) for (const row of measured) console.log(JSON.stringify({ ...row, ...setting }));
    else {
      console.log(`${settingText(setting)}\n${text}`);
      console.log(startupText(measured));
    }
    if (save) console.error(`kept in ${saveResults(setting, measured)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function startupText(rows: readonly StartupRow[]): string {
  const names = Object.keys(rows[0].parts);
  const lines = tableLines(
    ['ms', ...rows.map(({ pass }) => `${pass} cache`)],
    [
      ...names.map((part) => [part, ...rows.map(({ parts }) => digits(parts[part]))]),
      ['to the first loss', ...rows.map(({ median_ms }) => digits(median_ms))],
      ['p10 to p90', ...rows.map(({ p10_ms, p90_ms }) => `${digits(p10_ms)} to ${digits(p90_ms)}`)],
    ],
  );
  if (rows.some(({ wide }) => wide)) lines.push('wide spread: is the machine busy? measure again');
  return lines.join('\n');
}
