import { parse, textMetrics, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Results } from '../common/results.js';

declare module 'vega' {
  /** Missing in vega's types: measures a text's width in pixels. */
  const textMetrics: { width: (item: { fontSize?: number }, text: unknown) => number };
}

/** Width of a drawing in pixels, all included: that of a README's column. */
export const WIDTH = 800;

/** Shades for print and screen: black for ours and for what stands out, grey for others, light grey for the background. */
export const SHADES = { ink: '#111111', grey: '#a6a6a6', light: '#e4e4e4' } as const;

const FONT = 'Helvetica, Arial, Liberation Sans, sans-serif';

/** Approximate widths of Helvetica's characters in ems. Text is measured without a font, so that layouts are the same everywhere. */
function emWidth(character: string): number {
  if (/[ijltf.,:;'|()[\]{}! ]/.test(character)) return 0.3;
  return /[A-Zmw%µ=]/.test(character) ? 0.75 : 0.56;
}

textMetrics.width = (item, text) =>
  (item.fontSize ?? 11) * [...String(text ?? '')].reduce((sum, character) => sum + emWidth(character), 0);

/** What a drawing shows, without its title and its looks. */
export type Chart = Pick<TopLevelSpec, 'description'> & Record<string, unknown>;

/** A chart as SVG. The same chart gives the same bytes. */
export async function draw(title: string, subtitle: string[], chart: Chart): Promise<string> {
  const spec = {
    ...chart,
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    padding: 8,
    title: { text: title, subtitle, anchor: 'start', offset: 12 },
    config: CONFIG,
  } as TopLevelSpec;
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}

const CONFIG = {
  font: FONT,
  view: { stroke: null },
  title: { fontSize: 15, subtitleFontSize: 11, subtitleColor: '#444444', subtitlePadding: 4 },
  axis: {
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    labelLimit: 0,
    titleLimit: 0,
    gridColor: '#dddddd',
    domainColor: '#111111',
    tickColor: '#111111',
  },
  legend: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal', labelLimit: 0, titleLimit: 0 },
} as const;

/** Where and on what the rows were measured: the lines below a title. */
export function subtitleOf({ adapter, driver, processor }: Results, rows: readonly { commit: string; date: string }[]) {
  const unique = (values: string[]) => [...new Set(values)].sort().join(', ');
  const [commits, dates] = [unique(rows.map(({ commit }) => commit)), unique(rows.map(({ date }) => date))];
  return [`${adapter} (${driver}) on ${processor}`, `commit ${commits}, measured ${dates}`];
}

/** Bounds and ticks of a logarithmic axis over positive values: 1, 2 and 5 times powers of ten, and `room` beyond the greatest value. */
export function logAxis(values: readonly number[], room = 1): { domain: [number, number]; ticks: number[] } {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const decades = Array.from({ length: 24 }, (_, i) => i - 9).flatMap((power) =>
    [1, 2, 5].map((first) => Number(`${first}e${power}`)),
  );
  const low = decades.findLast((tick) => tick <= least) ?? least;
  const high = room > 1 ? room * greatest : (decades.find((tick) => tick >= greatest) ?? greatest);
  return { domain: [low, high], ticks: decades.filter((tick) => tick >= low && tick <= high) };
}
