/** Lines of a table: a head, then the rows; the first column to the left, the others, numbers, to the right. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}

/** Three significant digits without an exponent: 0.0123, 1.23, 12.3, 1234. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const after = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(after, 6));
}
