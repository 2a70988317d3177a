import { digits, tableLines } from '../common/table.js';
import { SHAPE_KEYS } from '../step/shapes.js';
import { AXES, type Axis, type AxisName } from './axes.js';
import type { ScaleRow } from './measure.js';

const BAR = 40; // characters for the most expensive position

/** An axis as a table with a curve of bars, and how the cost of a position grows along it. */
export function axisText(name: AxisName, rows: readonly ScaleRow[]): string {
  const dearest = Math.max(...rows.map(({ us_per_position }) => us_per_position));
  const table = tableLines(
    ['', SHAPE_KEYS[AXES[name].key], 'positions', 'median ms', 'p10', 'p90', 'device MiB', 'µs a position', 'times'],
    rows.map((row) => [
      '',
      String(row.value),
      String(row.positions),
      digits(row.median_ms),
      digits(row.p10_ms),
      digits(row.p90_ms),
      row.device_mib === undefined ? '' : digits(row.device_mib),
      digits(row.us_per_position),
      digits(row.growth),
    ]),
  );
  const bars = rows.map((row) => '█'.repeat(Math.max(1, Math.round((BAR * row.us_per_position) / dearest))));
  const lines = table.map((line, i) => (i === 0 ? line : `${line}  ${bars[i - 1]}`));
  const growth = growthText(name, rows);
  const wide = rows.filter((row) => row.wide).map(({ value }) => value);
  return [
    ...lines,
    ...(growth ? [`  ${growth}`] : []),
    ...(wide.length > 0 ? [`  wide spread (${wide.join(', ')}): is the machine busy? measure again`] : []),
  ].join('\n');
}

/** How many times more a position costs at the last value, and whether the whole axis stays within its bound; undefined for fewer than two points. */
export function growthText(name: AxisName, rows: readonly Pick<ScaleRow, 'value' | 'growth'>[]): string | undefined {
  if (rows.length < 2) return undefined;
  const ratio = rows.at(-1)!.growth;
  const { atMost, values }: Axis = AXES[name];
  const whole = rows[0].value === values[0] && rows.at(-1)!.value === values.at(-1);
  const bound = atMost === undefined || !whole ? '' : ` (at most ${atMost}: ${ratio <= atMost ? 'met' : 'missed'})`;
  const [least, greatest] = [rows[0], rows.at(-1)!].map(({ value }) => value.toLocaleString('en-US'));
  return `a position at ${greatest} costs ${digits(ratio)} times one at ${least}${bound}`;
}
