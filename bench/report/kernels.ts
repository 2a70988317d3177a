import type { Kept } from '../common/results.js';
import { digits } from '../common/table.js';
import type { KernelRow } from '../kernels/bench-op.js';
import { type Chart, SHADES, WIDTH } from './draw.js';

export type KeptKernel = Kept & KernelRow;

const LABELS = 420; // pixels left of the bars
/** Where bars end, in percent: what a cache holds exceeds a roof that was measured outside it. Labels need room after the bars. */
const MOST = 110;
const LABEL = 50;

/** How near each operation comes to what the adapter attains, a bar for each direction and shape. */
export function kernelsChart(rows: readonly KeptKernel[]): Chart {
  const bars = [...rows].sort(byOperation).map((row) => ({
    name: `${row.op} ${row.pass === 'forward' ? '→' : '←'}  ${brief(row.shape)}`,
    percent: Math.min(row.roofline_percent, MOST),
    bound: row.bound,
    label: `${digits(row.roofline_percent)} %, ${digits(row.gpu_ms ?? row.median_ms)} ms`,
  }));
  return {
    description: 'percent of the roofline that each operation attains',
    width: WIDTH - LABELS,
    height: { step: 15 },
    data: { values: bars },
    encoding: {
      y: {
        field: 'name',
        type: 'nominal',
        sort: null,
        title: null,
        axis: { labelFontSize: 10, domain: false, ticks: false },
      },
      x: {
        field: 'percent',
        type: 'quantitative',
        title: 'percent of what the adapter attains (→ forward, ← backward)',
        scale: { domain: [0, MOST + LABEL], nice: false },
        axis: { values: [0, 20, 40, 60, 80, 100] },
      },
    },
    layer: [
      {
        mark: { type: 'bar', height: 10, stroke: SHADES.ink, strokeWidth: 0.7 },
        encoding: {
          color: {
            field: 'bound',
            type: 'nominal',
            title: 'bound by',
            scale: { domain: ['memory', 'arithmetic'], range: [SHADES.light, SHADES.ink] },
            legend: { orient: 'top', direction: 'horizontal', titleOrient: 'left' },
          },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 10, color: SHADES.ink },
        encoding: { text: { field: 'label' } },
      },
    ],
  };
}

/** Operation by operation, shape by shape, forward before backward. */
export function byOperation(a: KeptKernel, b: KeptKernel): number {
  const [x, y] = [a, b].map(({ op, shape, pass }) => `${op} ${shape} ${pass === 'forward' ? 0 : 1}`) as [
    string,
    string,
  ];
  return x < y ? -1 : 1;
}

/** A bench shape without the parts that hardly matter for its cost. */
function brief(shape: string): string {
  return shape.replace(/\{rate=([\d.]+) site=\d+\}/g, '$1').replace('=false', '=no');
}
