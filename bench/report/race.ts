import type { Kept } from '../common/results.js';
import { digits } from '../common/table.js';
import { type Chart, logAxis, SHADES, WIDTH } from './draw.js';

/** A kept line of a bench in which implementations took turns. */
export type KeptRace = Kept & { impl: string; ratio: number; about?: Record<string, unknown> };

const NAMES: Record<string, string> = {
  gsas: 'gsas-wgpu',
  pytorch: 'PyTorch',
  'pytorch-cuda': 'PyTorch CUDA',
  'tfjs-wasm': 'tfjs wasm',
  'tfjs-webgpu': 'tfjs webgpu',
  'tfjs-cpu': 'tfjs cpu',
};
/** Marks the fastest known formulation, which no user would write: its bars are light. */
const BEST = '-best';
const LABELS = 175; // pixels left of the bars

/** Bars of milliseconds of all implementations, a group for each shape; ours black, the others labelled with their ratio to it. */
export function raceChart(rows: readonly KeptRace[]): Chart {
  const { domain, ticks } = logAxis(
    rows.flatMap(({ p10_ms, p90_ms }) => [p10_ms, p90_ms]),
    4, // for the labels
  );
  const shapes = [...new Set(rows.map(({ shape }) => shape))].sort();
  return {
    description: 'milliseconds of each implementation at each shape',
    vconcat: shapes.map((shape, i) => {
      const bars = barsOf(rows.filter((row) => row.shape === shape));
      const last = i === shapes.length - 1;
      return {
        title: { text: shape, anchor: 'start', fontSize: 11, fontWeight: 'normal', offset: 4 },
        width: WIDTH - LABELS,
        height: { step: 20 },
        data: { values: bars },
        encoding: { y: { field: 'name', type: 'nominal', sort: null, title: null, axis: { minExtent: LABELS - 40 } } },
        layer: [
          {
            mark: { type: 'bar', height: 13, stroke: SHADES.ink, strokeWidth: 0.7 },
            encoding: {
              x: {
                field: 'median',
                type: 'quantitative',
                title: last ? 'milliseconds (logarithmic), median; the line from p10 to p90' : null,
                scale: { type: 'log', domain, nice: false },
                axis: { values: ticks, format: ',~r', labelOverlap: 'greedy' },
              },
              x2: { datum: domain[0] },
              color: { field: 'shade', type: 'nominal', scale: null },
            },
          },
          // White below black, to be seen on a bar of any shade.
          ...[
            { stroke: 'white', strokeWidth: 4 },
            { stroke: SHADES.ink, strokeWidth: 1.5 },
          ].map((line) => ({
            mark: { type: 'rule', ...line },
            encoding: { x: { field: 'p10', type: 'quantitative' }, x2: { field: 'p90' } },
          })),
          {
            mark: { type: 'text', align: 'left', dx: 6, fontSize: 11, color: SHADES.ink },
            encoding: { x: { field: 'p90', type: 'quantitative' }, text: { field: 'label' } },
          },
        ],
      };
    }),
  };
}

/** The bars of one shape, ours first, then the fastest first. */
function barsOf(rows: readonly KeptRace[]) {
  const ours = rows.find(({ impl }) => impl === 'gsas');
  const time = (row: KeptRace) => (row === ours ? 0 : row.median_ms);
  return [...rows]
    .sort((a, b) => time(a) - time(b))
    .map((row) => ({
      name: nameOf(row),
      median: row.median_ms,
      p10: row.p10_ms,
      p90: row.p90_ms,
      shade: row === ours ? SHADES.ink : row.impl.endsWith(BEST) ? SHADES.light : SHADES.grey,
      label: labelOf(row, ours),
    }));
}

function nameOf({ impl, about }: KeptRace): string {
  const usual = impl.replace(BEST, '');
  const name = (NAMES[usual] ?? usual) + (usual === impl ? '' : ', best');
  return typeof about?.blas === 'string' ? `${name} (${about.blas})` : name;
}

/** Milliseconds, and how many times ours that is: the ratio within the run in which they took turns. */
function labelOf(row: KeptRace, ours: KeptRace | undefined): string {
  const time = `${digits(row.median_ms)} ms`;
  return ours === undefined || row === ours ? time : `${time}, ${digits(row.ratio / ours.ratio)}x ours`;
}
