import type { Command } from 'commander';
import { GsasError } from '../base/errors.js';
import { openGpu } from '../node/gpu.js';
import { checkParity } from '../store/parity.js';
import { printJson } from './output.js';

export function addParity(program: Command): void {
  program
    .command('parity')
    .description('compare this implementation with numbers of the official code; exits 1 where one differs too much')
    .argument('<fixture>', 'safetensors file laid out as those in test/fixtures')
    .option('--json', 'one JSON object a line')
    .action(runParity);
}

async function runParity(file: string, { json }: { json?: true }): Promise<void> {
  const gpu = await openGpu();
  try {
    const rows = await checkParity(gpu, file);
    const width = Math.max(...rows.map(({ name }) => name.length));
    for (const row of rows) {
      const { name, difference, limit, unit, ok, note } = row;
      const verdict = `${difference.toExponential(2).padStart(9)}  (limit ${limit}, ${unit})${note ? `  ${note}` : ''}`;
      if (json) printJson(row);
      else console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${verdict}`);
    }
    const failed = rows.filter(({ ok }) => !ok);
    if (failed.length > 0)
      throw new GsasError(`${file}: ${failed.length} of ${rows.length} comparisons are beyond their limit`);
    if (!json) console.log(`${rows.length} comparisons within their limits`);
  } finally {
    gpu.close();
  }
}
