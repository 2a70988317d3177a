import type { Setting } from '../common/setting.js';
import { digits } from '../common/table.js';
import type { Outcome } from './pieces.js';
import type { Verdict } from './targets.js';

/** A page of Markdown: the setting, the targets and their outcomes, the measured times, and what failed. */
export function summaryText(
  { adapter, driver, processor, commit }: Setting,
  targets: readonly Verdict[],
  outcomes: readonly Outcome[],
): string {
  const times = outcomes.flatMap(({ rows }) => rows.filter(({ bench }) => TIMED.includes(String(bench))));
  const failures = outcomes.filter(({ failure }) => failure !== undefined);
  const number = (value: unknown) => (typeof value === 'number' ? digits(value) : '');
  return [
    `# ${adapter}`,
    '',
    `${driver}, ${processor}, commit ${commit}. Written by \`npm run bench -- gpu\`.`,
    '',
    ...table(
      ['', 'target', 'measured', ''],
      targets.map(({ what, target, measured, met }) => [what, target, measured, verdict(met)]),
    ),
    ...(times.length > 0
      ? [
          '',
          ...table(
            HEAD,
            times.map((row) => timeCells(row, number)),
          ),
        ]
      : []),
    ...(failures.length > 0
      ? ['', 'Failed:', '', ...failures.map(({ name, failure }) => `- ${name}: ${failure}`)]
      : []),
    '',
  ].join('\n');
}

/** Benches whose lines are on the page; those of kernels and of scale are drawn. */
const TIMED = ['step', 'eval', 'startup', 'serve'];

const HEAD = ['', 'shape', 'median ms', 'p10', 'p90', 'GPU ms', 'device MiB', 'RSS MiB', 'idle'];
const NUMBERS = ['median_ms', 'p10_ms', 'p90_ms', 'gpu_ms', 'device_mib', 'rss_mib', 'idle_rss_mib'];

function timeCells(row: Record<string, unknown>, number: (value: unknown) => string): string[] {
  const name = [row.bench, row.impl, row.pass].filter(Boolean).join(', ');
  return row.status === undefined
    ? [name, String(row.shape), ...NUMBERS.map((key) => number(row[key]))]
    : [name, `${row.shape}: ${row.status}`, ...NUMBERS.map(() => '')];
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return '';
  return met ? 'met' : 'missed';
}

function table(head: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
