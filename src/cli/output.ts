import { printable } from '../base/printable.js';

/** Prints a value as one line of JSON. Control characters in its texts are escaped. */
export function printJson(value: unknown): void {
  console.log(printable(JSON.stringify(value)));
}

/** Aligns cells in columns: those listed (by default only the first) to the left, the others to the right. Titles and names may hold any text. */
export function alignColumns(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = shown[0].map((_, column) => Math.max(...shown.map((row) => row[column].length)));
  const pad = (cell: string, column: number) =>
    left.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return shown.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
