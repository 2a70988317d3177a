import type { Kept } from '../common/results.js';
import { AXES, type Axis, type AxisName } from '../scale/axes.js';
import type { ScaleRow } from '../scale/measure.js';
import { growthText } from '../scale/text.js';
import { SHAPE_KEYS, type ShapeKey } from '../step/shapes.js';
import { type Chart, logAxis, SHADES } from './draw.js';

export type KeptScale = Kept & ScaleRow;

const PANEL = { width: 315, height: 190 }; // pixels

/** What a position costs along each axis, a panel an axis; all have the same scale of costs. */
export function scaleChart(rows: readonly KeptScale[]): Chart {
  const costs = rows.map(({ us_per_position }) => us_per_position);
  const cost = logAxis([...costs, ...rows.flatMap((row) => Object.values(spread(row)))]);
  const panels = (Object.keys(AXES) as AxisName[]).flatMap((name) => {
    const points = rows.filter(({ axis }) => axis === name).sort((a, b) => a.value - b.value);
    return points.length === 0 ? [] : [panel(name, points, cost)];
  });
  return { description: 'cost of a position of a training step', columns: 2, spacing: 28, concat: panels };
}

function panel(name: AxisName, points: readonly KeptScale[], cost: ReturnType<typeof logAxis>) {
  const { key }: Axis = AXES[name];
  const values = points.map((point) => ({ value: point.value, cost: point.us_per_position, ...spread(point) }));
  const x = { field: 'value', type: 'quantitative' };
  return {
    ...PANEL,
    title: {
      text: name,
      subtitle: [constantsOf(key, points[0].shape), growthText(name, points) ?? ''],
      anchor: 'start',
      fontSize: 12,
      offset: 6,
    },
    data: { values },
    encoding: {
      x: {
        ...x,
        title: `${SHAPE_KEYS[key]} (logarithmic)`,
        scale: { type: 'log', nice: false, padding: 12 },
        axis: { values: values.map(({ value }) => value), format: ',', grid: false },
      },
    },
    layer: [
      {
        mark: { type: 'line', stroke: SHADES.ink, strokeWidth: 1.5 },
        encoding: {
          y: {
            field: 'cost',
            type: 'quantitative',
            title: 'µs a position (logarithmic)',
            scale: { type: 'log', domain: cost.domain, nice: false },
            axis: { values: cost.ticks, format: '~r' },
          },
        },
      },
      {
        mark: { type: 'rule', stroke: SHADES.ink },
        encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
      },
      {
        mark: { type: 'point', filled: true, fill: SHADES.ink, size: 40, opacity: 1 },
        encoding: { y: { field: 'cost', type: 'quantitative' } },
      },
    ],
  };
}

/** The part of a kept shape that is constant along an axis: `B=32 S=100 D=32 k=256`. */
function constantsOf(key: ShapeKey, shape: string): string {
  const letter = SHAPE_KEYS[key].split(', ')[1];
  return (shape.match(/\b[BSDNk]=\d+/g) ?? []).filter((part) => !part.startsWith(`${letter}=`)).join(' ');
}

/** The cost's p10 and p90 in microseconds. */
function spread({ p10_ms, p90_ms, positions }: KeptScale): { low: number; high: number } {
  return { low: (1000 * p10_ms) / positions, high: (1000 * p90_ms) / positions };
}
