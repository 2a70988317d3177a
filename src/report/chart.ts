import type { Config, TopLevelSpec } from 'vega-lite';
import { optionalPackage } from '../base/optional.js';
import { Html, html } from './html.js';

/** The inline SVG of a Vega-Lite specification, in the colours of the page around it, as a figure with a caption. */
export async function draw(spec: TopLevelSpec, title: string, caption: string): Promise<Html> {
  const { parse, View, compile } = await loadVega();
  const size = { width: WIDTH, autosize: { type: 'fit', contains: 'padding' } as const };
  const compiled = compile({ ...size, ...spec, background: 'transparent' } as TopLevelSpec, { config: THEME }).spec;
  const svg = await new View(parse(compiled), { renderer: 'none' }).toSVG();
  // Without its own width and height the drawing takes the figure's width and scales; in a page it needs no namespaces.
  const scaled = svg.replace(/^<svg .*?(viewBox="[^"]*")>/, '<svg role="img" fill="none" $1>');
  return html`<figure><h3>${title}</h3>${new Html(scaled)}<figcaption>${caption}</figcaption></figure>`;
}

/** In the units of the drawing, in which letters are 12 high: it is shown at 0.75 to 1.3 times that. */
const WIDTH = 400;
export const HEIGHT = 250;

/** Without a canvas, Vega assumes that a letter is 0.8 of its height wide, and cuts off words that would fit. */
const LETTER_WIDTH = 0.58;

/** Loaded only to draw: these two take half a second to load. */
async function loadVega() {
  const [vega, { compile }] = await optionalPackage(
    () => Promise.all([import('vega'), import('vega-lite')]),
    'vega-lite',
    'drawing a chart',
  );
  const { textMetrics } = vega as unknown as { textMetrics: { width: (item: TextItem, text?: unknown) => number } };
  textMetrics.width = (item, text = item.text) => LETTER_WIDTH * (item.fontSize ?? 11) * String(text ?? '').length;
  return { parse: vega.parse, View: vega.View, compile };
}

interface TextItem {
  readonly text?: unknown;
  readonly fontSize?: number;
}

/** Series differ by dash and by shape, so they can be distinguished without colour. */
export const DASHES = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [4, 4],
  [12, 4],
];
export const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'];
export const COLOURS = SHAPES.map((_, i) => `var(--series-${i})`);

/** `currentColor` and variables, so that a drawing follows the page into dark mode and onto paper. */
const THEME: Config = {
  font: 'inherit',
  aria: false,
  view: { stroke: null },
  axis: {
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    labelOpacity: 0.8,
    gridColor: 'var(--line)',
    domainColor: 'currentColor',
    domainOpacity: 0.4,
    ticks: false,
    labelPadding: 6,
    tickCount: 5,
  },
  axisX: { grid: false },
  legend: {
    orient: 'top',
    direction: 'horizontal',
    columns: 3,
    title: null,
    labelColor: 'currentColor',
    labelFontSize: 12,
    labelLimit: 240,
    symbolSize: 60,
    symbolStrokeWidth: 2,
    columnPadding: 16,
    offset: 8,
  },
  text: { color: 'currentColor', fontSize: 12 },
  rule: { color: 'currentColor' },
  line: { strokeWidth: 2 },
  point: { size: 45, filled: true, opacity: 1 },
};
