import type { TopLevelSpec } from 'vega-lite';
import type { Bin } from '../data/profile.js';
import { COLOURS, DASHES, HEIGHT, LETTERS, SHAPES, WIDTH, wordsWidth } from './chart.js';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  /** With its unit. */
  readonly title: string;
  /** A d3-format. */
  readonly format: string;
  readonly log?: boolean;
  /** Whether the axis begins at 0. */
  readonly zero?: boolean;
}

export interface LinesOptions {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** A place on the x axis to mark, with words above the curves, and a point to ring. */
  readonly mark?: { readonly x: number; readonly y?: number; readonly label: string };
  /** From (low, low) to (high, high), with words in the upper left corner. */
  readonly diagonal?: string;
  /** Words at points of the first series. */
  readonly labels?: readonly { readonly x: number; readonly y: number; readonly text: string }[];
}

/** With more points than this, a curve shows means of buckets; more markers than this would hide it. */
const MOST_POINTS = 300;
const MOST_MARKERS = 12;

/** One curve per series. */
export function lineChart({ x, y, series, mark, diagonal, labels = [] }: LinesOptions): TopLevelSpec {
  const curves = series.map(({ name, points }) => ({ name, points: thin(points) }));
  const markers = curves.flatMap(({ name, points }) =>
    apart(points, x.log ?? false).map(([px, py]) => ({ name, x: px, y: py })),
  );
  const names = series.map(({ name }) => name);
  const legend = legendOf(names, mark ? { offset: 24 } : {}); // above the mark's words
  const ends = curves.flatMap(({ points }) => points.flat()).sort((a, b) => a - b);
  const [low, high] = [(ends[0] ?? 0) / 1.4, (ends.at(-1) ?? 1) * 1.4];
  const domain = diagonal === undefined ? undefined : [low, high];
  const encoding = { x: axis('x', x, domain), y: axis('y', y, domain) };
  return {
    height: legend.height,
    layer: [
      ...(diagonal === undefined ? [] : diagonalLayers(diagonal, low, high, encoding)),
      ...(mark === undefined ? [] : markLayers(mark, curves, x.log ?? false, encoding)),
      ...curves.map(({ points }, i) => ({
        data: { values: points.map(([px, py]) => ({ x: px, y: py })) },
        mark: { type: 'line', color: cycle(COLOURS, i), strokeDash: cycle(DASHES, i) },
        encoding,
      })),
      {
        data: { values: markers },
        mark: { type: 'point' },
        encoding: { ...encoding, ...legend.encoding },
      },
      ...labelLayers(labels, encoding),
    ],
  } as TopLevelSpec;
}

function diagonalLayers(words: string, low: number, high: number, encoding: object) {
  return [
    {
      data: { values: [low, high].map((end) => ({ x: end, y: end })) },
      mark: { type: 'line', color: 'currentColor', strokeWidth: 1, strokeDash: [3, 3], opacity: 0.7 },
      encoding,
    },
    {
      data: { values: [{ x: low, y: high }] },
      mark: { type: 'text', text: `┄┄ ${words}`, align: 'left', dx: 8, dy: 8, opacity: 0.8 },
      encoding,
    },
  ];
}

/** The words of the point farthest to the right stand above and before it, the others below and after: over a rising curve there is room there. */
function labelLayers(labels: NonNullable<LinesOptions['labels']>, encoding: object) {
  const end = Math.max(...labels.map(({ x }) => x));
  const layer = (values: typeof labels, place: object) => ({
    data: { values },
    mark: { type: 'text', ...place },
    encoding: { ...encoding, text: { field: 'text', type: 'nominal' } },
  });
  return [
    layer(
      labels.filter(({ x }) => x === end),
      { align: 'right', dx: -6, dy: -9 },
    ),
    layer(
      labels.filter(({ x }) => x !== end),
      { align: 'left', dx: 9, dy: 4 },
    ),
  ];
}

function markLayers(
  { x, y, label }: NonNullable<LinesOptions['mark']>,
  curves: readonly Series[],
  log: boolean,
  encoding: { x: object; y: object },
) {
  const place = (at: number) => (log ? Math.log(at) : at);
  const places = curves.flatMap(({ points }) => points.map(([at]) => place(at)));
  const right = place(x) > (Math.min(...places) + Math.max(...places)) / 2; // the words then run to the left, where there is room
  const data = { values: [{ x, y }] };
  const words = { type: 'text', text: label, y: -9, dx: right ? 4 : -4, align: right ? 'right' : 'left' };
  const ring = { type: 'point', filled: false, size: 160, strokeWidth: 1.5, color: 'currentColor', shape: 'circle' };
  return [
    { data, mark: { type: 'rule', y: -4, strokeDash: [2, 3], opacity: 0.7 }, encoding: { x: encoding.x } },
    { data, mark: words, encoding: { x: encoding.x } },
    ...(y === undefined ? [] : [{ data, mark: ring, encoding }]),
  ];
}

export interface Interval {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The axis leaves out values farther below the best than this many times its interval, which would squeeze the others together. */
const REACH = 8;

/**
 * A point and its interval for each name, one below the other. The axis fits the best one and those near it. For the others there is an arrow with the
 * value at the start of the axis, as in a forest plot.
 */
export function intervalChart(rows: readonly Interval[], title: string): TopLevelSpec {
  const best = rows.reduce((a, b) => (b.value > a.value ? b : a));
  const least = best.high - REACH * (best.high - best.low || Infinity);
  const near = rows.filter(({ low }) => low >= least);
  const far = rows.filter(({ low }) => low < least).map(({ name, value }) => ({ name, text: `◂ ${value.toFixed(4)}` }));
  const low = Math.min(...near.map((row) => row.low));
  const high = Math.max(...near.map((row) => row.high));
  const margin = (high - low) / 20;
  const names = rows.map(({ name }) => name);
  const y = { field: 'name', type: 'nominal' as const, scale: { domain: names }, sort: null, axis: null };
  const x = (field: string) => ({
    field,
    type: 'quantitative' as const,
    title,
    scale: { domain: [Math.max(0, low - margin), high + margin], nice: false, zero: false },
    axis: { grid: true, tickCount: 4 },
  });
  const above = { type: 'text' as const, align: 'left' as const, x: 0, dy: -16, limit: WIDTH - 20 };
  return {
    height: 50 + ROW_HEIGHT * rows.length,
    layer: [
      {
        data: { values: names.map((name) => ({ name })) },
        mark: above,
        encoding: { y, text: { field: 'name', type: 'nominal' } },
      },
      {
        data: { values: near },
        mark: { type: 'rule', strokeWidth: 2, color: COLOURS[0] },
        encoding: { y, x: x('low'), x2: { field: 'high' } },
      },
      {
        data: { values: near },
        mark: { type: 'point', size: 70, color: COLOURS[0] },
        encoding: { y, x: x('value') },
      },
      {
        data: { values: far },
        mark: { type: 'text', align: 'left', x: 2, dy: 3 },
        encoding: { y, text: { field: 'text', type: 'nominal' } },
      },
    ],
  };
}

/** Room for a name and, below it, its interval over the whole width. */
const ROW_HEIGHT = 42;

/** An estimate and its interval for one bucket. */
export interface BucketPoint {
  readonly bucket: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** For each bucket a point and its interval of every series, side by side. */
export function bucketChart(
  series: readonly { readonly name: string; readonly points: readonly BucketPoint[] }[],
  title: { readonly x: string; readonly y: string },
): TopLevelSpec {
  const names = series.map(({ name }) => name);
  const values = series.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
  const legend = legendOf(names);
  const y = (field: string) => ({ field, type: 'quantitative' as const, title: title.y, axis: { format: '.2~f' } });
  const x = { field: 'bucket', type: 'nominal' as const, sort: null, title: title.x, axis: { labelAngle: 0 } };
  const xOffset = { field: 'name', type: 'nominal' as const, sort: null, scale: { domain: names, paddingOuter: 0.6 } };
  const { legend: _, ...color } = legend.encoding.color;
  return {
    height: legend.height,
    data: { values },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: { x, xOffset, y: y('low'), y2: { field: 'high' }, color },
      },
      { mark: { type: 'point' }, encoding: { x, xOffset, y: y('value'), ...legend.encoding } },
    ],
  } as TopLevelSpec;
}

/** A bar for each bin, on a logarithmic axis. */
export function histogram(bins: readonly Bin[], title: { readonly x: string; readonly y: string }): TopLevelSpec {
  const values = bins.map(({ from, to, count }) => ({ from, end: to + 1, count }));
  const domain = [bins[0].from, bins[bins.length - 1].to + 1];
  return {
    height: HEIGHT,
    data: { values },
    mark: { type: 'bar', color: COLOURS[0], stroke: 'var(--card)', strokeWidth: 1 },
    encoding: {
      x: {
        field: 'from',
        type: 'quantitative',
        title: title.x,
        scale: { type: 'log', nice: false, domain },
        axis: { format: '~s', grid: false },
      },
      x2: { field: 'end' },
      y: { field: 'count', type: 'quantitative', title: title.y, axis: { format: '~s' } },
      y2: { datum: 0 },
    },
  } as TopLevelSpec;
}

/** Colour, shape and legend of several series, in as many columns as the names leave room for; and the height of a chart that has such a legend. */
function legendOf(names: readonly string[], options: object = {}) {
  const columns = Math.max(1, Math.floor(WIDTH / (Math.max(...names.map((name) => wordsWidth(name))) + SYMBOL)));
  const style = <T>(range: readonly T[]) => ({
    field: 'name',
    type: 'nominal' as const,
    scale: { domain: names, range: names.map((_, i) => cycle(range, i)) },
    sort: null,
    legend: names.length === 1 ? null : { columns, ...options },
  });
  const lines = Math.ceil(names.length / columns);
  return {
    encoding: { color: style(COLOURS), shape: style(SHAPES) },
    height: HEIGHT + (lines - 1) * 1.4 * LETTERS,
  };
}

/** Of a legend's entry, with the space around it. */
const SYMBOL = 46;

function axis(channel: 'x' | 'y', { title, format, log, zero }: Axis, domain?: number[]) {
  const scale = {
    ...(log ? { type: 'log' as const, nice: false } : { zero: zero ?? false }),
    ...(domain && { domain }),
  };
  return { field: channel, type: 'quantitative' as const, title, scale, axis: { format, ...(log && { grid: false }) } };
}

function cycle<T>(range: readonly T[], index: number): T {
  return range[index % range.length];
}

/** Points that are far enough from each other on the x axis for a marker each. */
function apart(points: Series['points'], log: boolean): Series['points'] {
  const place = ([x]: Series['points'][number]) => (log ? Math.log(x) : x);
  const places = points.map(place);
  const least = (Math.max(...places) - Math.min(...places)) / MOST_MARKERS;
  let previous = -Infinity;
  return points.filter((point) => {
    if (Math.abs(place(point) - previous) < least) return false;
    previous = place(point);
    return true;
  });
}

/** At most MOST_POINTS points, each the mean of as many neighbours as necessary. */
function thin(points: Series['points']): Series['points'] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const bucket = points.slice(i * size, (i + 1) * size);
    const mean = (axis: 0 | 1) => bucket.reduce((sum, point) => sum + point[axis], 0) / bucket.length;
    return [mean(0), mean(1)] as const;
  });
}
