import { printable } from '../base/printable.js';

/** Prints a value as one line of JSON; what a terminal would obey in its texts is escaped. */
export function printJson(value: unknown): void {
  console.log(printable(JSON.stringify(value)));
}
