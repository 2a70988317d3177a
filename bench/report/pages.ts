import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GsasError } from '../../src/base/errors.js';
import type { Choice } from '../../src/base/options.js';
import type { Cost, Op } from '../../src/kernels/op.js';
import { registry } from '../../src/kernels/registry.js';
import { JUDGES } from '../../src/kernels/score/judges/index.js';
import { RULES } from '../../src/kernels/update/rules/index.js';
import { allArchitectures } from '../../src/model/registry.js';
import type { Results } from '../common/results.js';
import { ROOT } from '../common/setting.js';
import { digits } from '../common/table.js';
import { shapeText } from '../kernels/bench-op.js';
import { byOperation, type KeptKernel } from './kernels.js';

/** The parts of guides that are generated: file -> name -> Markdown. Their numbers come from the registries and from kept results alone. */
export function generatedParts(results: readonly Results[]): Record<string, Record<string, string>> {
  return {
    'docs/kernels.md': {
      operations: table(['operation', 'computes', 'gradients of', 'cases'], registry.map(operation)),
      costs: table(['operation', 'shape', 'pass', 'MB', 'MFLOP', 'FLOP/byte'], registry.flatMap(costs), 3),
      measurements: results.map(measurements).join('\n\n'),
    },
    'docs/losses.md': {
      losses: table(['`--loss`', 'what it is', 'loss of a position, source', 'negatives', 'its options'], lossRows()),
    },
    'docs/training.md': {
      choices: [
        ['`--optimizer`', RULES],
        ['`--model`', allArchitectures()],
      ]
        .map(([flag, choices]) => choiceTable(flag as string, choices as Record<string, Choice>))
        .join('\n\n'),
    },
  };
}

/** Writes the generated parts of all guides anew. Returns the files that changed. */
export function writePages(results: readonly Results[]): string[] {
  return Object.entries(generatedParts(results)).flatMap(([file, parts]) => {
    const path = join(ROOT, file);
    const before = readFileSync(path, 'utf8');
    const after = withParts(before, parts, file);
    if (after === before) return [];
    writeFileSync(path, after);
    return [file];
  });
}

/** A guide with the generated parts in their places, between `<!-- generated: NAME … -->` and `<!-- end -->`. @throws GsasError where a place is missing */
export function withParts(text: string, parts: Readonly<Record<string, string>>, file: string): string {
  return Object.entries(parts).reduce((page, [name, part]) => {
    const place = new RegExp(`(<!-- generated: ${name}\\b[^>]*-->\n)[\\s\\S]*?(<!-- end -->)`);
    if (!place.test(page)) throw new GsasError(`${file}: has no place for ${name}, <!-- generated: ${name} -->`);
    return page.replace(place, (_, start: string, end: string) => `${start}\n${part}\n\n${end}`);
  }, text);
}

function operation({ name, formula, differentiable, cases }: Op): string[] {
  return [code(name), code(formula), differentiable.map(code).join(', ') || '–', String(cases.length)];
}

function costs({ name, benchShapes, cost }: Op): string[][] {
  return benchShapes.flatMap((shape) => {
    const row = (pass: string, { bytes, flops }: Cost) => [
      ...[code(name), code(shapeText(shape)), pass],
      ...[digits(bytes / 1e6), digits(flops / 1e6), digits(flops / bytes)],
    ];
    return [row('forward', cost.forward(shape)), ...(cost.backward ? [row('backward', cost.backward(shape))] : [])];
  });
}

function measurements({ adapter, driver, processor, rows }: Results): string {
  const kernels = rows.filter(({ bench }) => bench === 'kernels') as KeptKernel[];
  const lines = kernels
    .sort(byOperation)
    .map(({ op, shape, pass, gpu_ms, median_ms, roofline_percent, bound, commit }) => [
      ...[code(op), code(shape), pass],
      ...[digits(gpu_ms ?? median_ms), `${digits(roofline_percent)} %`, bound, commit],
    ]);
  return [
    `### ${adapter}`,
    `${driver}, ${processor}. Milliseconds by GPU timestamps where there are any, else by the host.`,
    table(['operation', 'shape', 'pass', 'ms', 'of the roofline', 'bound by', 'commit'], lines, 3),
  ].join('\n\n');
}

function lossRows(): string[][] {
  return Object.values(JUDGES).map(({ name, help, formula, negatives, options }) => [
    code(name),
    help,
    code(formula),
    negatives ? code(negatives) : 'any',
    Object.keys(options)
      .map((key) => code(`--${key.replaceAll('_', '-')}`))
      .join(', '),
  ]);
}

function choiceTable(flag: string, choices: Readonly<Record<string, Choice>>): string {
  const rows = Object.values(choices).map((choice) => [
    code(choice.name),
    choice.help,
    'formula' in choice ? code(String(choice.formula)) : '',
    Object.entries(choice.options)
      .map(([key, option]) => `${code(key)} ${String(option.default)}`)
      .join(', '),
  ]);
  const formulas = rows.some(([, , formula]) => formula !== '');
  const shown = formulas ? rows : rows.map(([name, help, , options]) => [name, help, options]);
  return table([flag, 'what it is', ...(formulas ? ['formula'] : []), 'its options, with defaults'], shown);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A table in Markdown. @param numbers the first column of numbers, which are set to the right */
function table(head: readonly string[], rows: readonly (readonly string[])[], numbers = head.length): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, i) => (i < numbers ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
