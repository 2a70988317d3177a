import { printable, shortened } from '../base/printable.js';
import type { FilePreview } from '../ingest/preview.js';
import { alignColumns } from './output.js';

const MOST_SHOWN = 30;

/** How files of a log would be read: for each file a line per column, with its values in the first rows. */
export function formatPreview(files: readonly FilePreview[]): string {
  const flags =
    'to say otherwise: --user-col, --item-col, --time-col or --no-time, --time-format, --rating-col, --event-col and --events, --header or --no-header, --sequences, --no-quotes, --encoding';
  return [...files.flatMap((file) => [formatFile(file), '']), flags].join('\n');
}

function formatFile({ file, about, columns, roles, notes, problem }: FilePreview): string {
  const rows = columns.map(({ name, role, values }) => {
    const shown = values.map((value) => (value === null ? '' : shortened(printable(value), MOST_SHOWN)));
    return [shortened(name, MOST_SHOWN), role ?? '', ...shown];
  });
  const count = columns[0].values.length;
  const head = ['column', 'taken for', ...Array.from({ length: count }, (_, i) => `row ${i + 1}`)];
  const lines = [
    `${printable(file)}: ${about}`,
    alignColumns(
      [head, ...rows],
      head.map((_, i) => i),
    ),
    ...(roles === undefined ? [] : [printable(roles)]),
    ...notes.map((note) => `note: ${note}`),
    ...(problem === undefined ? [] : [`cannot be imported so: ${problem}`]),
  ];
  return lines.join('\n');
}
