import type { Command } from 'commander';
import { absent, changes } from '../common/compare.js';
import { readResults } from '../common/results.js';
import { digits, tableLines } from '../common/table.js';

export function addCompare(program: Command): void {
  program
    .command('compare')
    .description('what moved between two results: times whose spreads lie apart and which differ by more than a tenth')
    .argument('<before>', 'a file that --save wrote, or REVISION:FILE')
    .argument('<after>', 'another')
    .option('--all', 'what did not move as well')
    .option('--json', 'one JSON object a line')
    .action(runCompare);
}

function runCompare(a: string, b: string, { all, json }: { all?: true; json?: true }): void {
  const [before, after] = [readResults(a), readResults(b)];
  const both = changes(before.rows, after.rows);
  const shown = both.filter(({ moved }) => moved || all);
  if (json) {
    for (const change of shown) console.log(JSON.stringify(change));
    return;
  }
  for (const key of ['adapter', 'driver', 'processor'] as const) {
    if (before[key] !== after[key]) console.log(`another ${key}: ${before[key]}, then ${after[key]}`);
  }
  const rows = shown.map((change) => [
    change.subject,
    digits(change.before),
    digits(change.after),
    movement(change.ratio),
    change.wide ? 'wide spread' : '',
  ]);
  if (rows.length > 0) console.log(tableLines(['', 'before ms', 'after ms', '', ''], rows).join('\n'));
  console.log(`${both.filter(({ moved }) => moved).length} of ${both.length} measurements moved`);
  const wide = both.filter((change) => change.wide).length;
  if (wide > 0) console.log(`${wide} have a wide spread: was the machine busy? measure them again`);
  const [gone, fresh] = [absent(before.rows, after.rows), absent(after.rows, before.rows)];
  if (gone.length + fresh.length === 0) return;
  console.log(`${gone.length} stand only before and ${fresh.length} only after${all ? ':' : '; --all names them'}`);
  if (all)
    for (const name of [...gone.map((name) => `- ${name}`), ...fresh.map((name) => `+ ${name}`)]) console.log(name);
}

function movement(ratio: number): string {
  if (ratio === 1) return 'the same';
  return ratio < 1 ? `${digits(1 / ratio)}x faster` : `${digits(ratio)}x slower`;
}
