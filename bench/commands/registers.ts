import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { GsasError } from '../../src/base/errors.js';
import { parseNames } from '../common/options.js';
import { FOLDER } from '../common/results.js';
import { tableLines } from '../common/table.js';
import { BUDGETS, judge } from '../registers/budget.js';
import { MODELS, shadersOf } from '../registers/models.js';
import { type Compilation, type Compiled, compileFor, FAMILIES, type Family } from '../registers/radv.js';

const NAMES = Object.keys(FAMILIES) as Family[];

interface Flags {
  family: Family[];
  json?: true;
  save?: true;
}

export function addRegisters(program: Command): void {
  program
    .command('registers')
    .description(
      "what AMD's compiler makes of a training step's shaders, on hardware that need not be there: registers, spills, occupancy, cycles; fails where one is beyond its budget",
    )
    .option('--family <names>', 'hardware to compile for, separated by commas', parseNames(NAMES), NAMES)
    .option('--json', 'one JSON object a line, for each shader')
    .option('--save', 'keep the numbers in bench/results/registers')
    .action(runRegisters);
}

async function runRegisters({ family: families, json, save }: Flags): Promise<void> {
  const over: string[] = [];
  for (const family of families) {
    const { name, lanes } = FAMILIES[family];
    const compilation = compileFor(family, await shadersOf(MODELS, lanes));
    const { shaders, driver } = compilation;
    const verdict = judge(shaders, BUDGETS[family]);
    if (json)
      for (const { source: _, ...row } of shaders)
        console.log(JSON.stringify({ bench: 'registers', family, driver, ...row }));
    else console.log(`${family} (${name}, subgroups of ${lanes} lanes), ${driver}\n${tableText(shaders)}\n`);
    for (const line of verdict.expected) console.error(`known: ${family} ${line}`);
    for (const line of verdict.over) console.error(`over budget: ${family} ${line}`);
    over.push(...verdict.over);
    if (save) console.error(`kept in ${keep(family, compilation)}`);
  }
  if (over.length > 0) throw new GsasError(`${over.length} shaders are beyond the budget of bench/registers/budget.ts`);
}

/** A line for each kernel: the worst of its variants in every column, and the model whose variant takes longest. */
function tableText(shaders: readonly Compiled[]): string {
  const kernels = [...new Set(shaders.map(({ kernel }) => kernel))];
  const rows = kernels.map((kernel) => {
    const variants = shaders.filter((shader) => shader.kernel === kernel);
    const most = (key: 'registers' | 'spilled' | 'scratch' | 'shared' | 'instructions' | 'latency' | 'throughput') =>
      `${Math.max(...variants.map((variant) => variant[key]))}`;
    const longest = variants.reduce((a, b) => (b.latency > a.latency ? b : a));
    return [
      kernel,
      `${variants.length}`,
      ...[most('registers'), most('spilled'), most('scratch'), most('shared')],
      `${Math.min(...variants.map(({ waves }) => waves))}`,
      ...[most('instructions'), most('latency'), most('throughput')],
      longest.model,
    ];
  });
  const head = [
    'kernel',
    'variants',
    'registers',
    'spilled',
    'scratch',
    'shared',
    'waves',
    'instructions',
    'latency',
    'cycles',
    'longest',
  ];
  return tableLines(head, rows).join('\n');
}

/** Writes bench/results/registers/FAMILY.json, a shader a line. @returns its path */
function keep(family: Family, { driver, shaders }: Compilation): string {
  const folder = join(FOLDER, 'registers');
  const file = join(folder, `${family}.json`);
  const rows = shaders.map(({ source: _, ...row }) => JSON.stringify(row));
  mkdirSync(folder, { recursive: true });
  const head = JSON.stringify({ family, hardware: FAMILIES[family].name, driver }).slice(0, -1);
  writeFileSync(file, `${head},"shaders":[\n${rows.join(',\n')}\n]}\n`);
  return file;
}
