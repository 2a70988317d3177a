import { alignColumns } from '../../src/cli/output.js';

/** Lines of a table: a head, then the rows; the first column to the left, the others, numbers, to the right. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return alignColumns([head, ...rows]).split('\n');
}

/** Three significant digits without an exponent: 0.0123, 1.23, 12.3, 1234. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const after = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(after, 6));
}
