import { printable } from '../base/printable.js';

/** Prints a value as one line of JSON; what a terminal would obey in its texts is escaped. */
export function printJson(value: unknown): void {
  console.log(printable(JSON.stringify(value)));
}

/** Cells in aligned columns: of those to the left, the first alone by default, else to the right. Titles and names in them may hold anything. */
export function alignColumns(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = shown[0].map((_, column) => Math.max(...shown.map((row) => row[column].length)));
  const pad = (cell: string, column: number) =>
    left.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return shown.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
