import type { Config, TopLevelSpec } from 'vega-lite';
import { optionalPackage } from '../base/optional.js';
import { escapeHtml, Html, html } from './html.js';

/** The inline SVG of a Vega-Lite specification, in the colours of the page around it, as a figure with a caption. */
export async function draw(spec: TopLevelSpec, title: string, caption: Html | string): Promise<Html> {
  const { parse, View, compile } = await loadVega();
  const size = { width: WIDTH, autosize: { type: 'fit', contains: 'padding' } as const };
  const compiled = compile({ ...size, ...spec, background: 'transparent' } as TopLevelSpec, { config: THEME }).spec;
  const svg = await new View(parse(compiled), { renderer: 'none' }).toSVG();
  // Without its own width and height the drawing takes the figure's width and scales; in a page it needs no namespaces.
  // To a screen reader it is one image, named by its title, so the roles of its parts would only confuse.
  const scaled = svg
    .replace(/^<svg .*?(viewBox="[^"]*")>/, (_, box) => `<svg role="img" aria-label="${escapeHtml(title)}" ${box}>`)
    .replace(/(<\w[^<>]*?) role="graphics-[^"]*" aria-roledescription="[^"]*"/g, '$1');
  return html`<figure><h3>${title}</h3>${new Html(scaled)}<figcaption>${caption}</figcaption></figure>`;
}

/** In the units of the drawing: that of a figure on the narrowest phone, where one unit is nearly a pixel, so that letters are never smaller than these. */
export const WIDTH = 320;
export const HEIGHT = 220;
export const LETTERS = 12.5;

/** Without a canvas, Vega assumes that a letter is 0.8 of its height wide, and cuts off words that would fit. */
const LETTER_WIDTH = 0.58;

/** About how wide words are. */
export function wordsWidth(words: unknown, letters = LETTERS): number {
  return LETTER_WIDTH * letters * String(words ?? '').length;
}

/** Loaded only to draw: these two take half a second to load. */
async function loadVega() {
  const [vega, { compile }] = await optionalPackage(
    () => Promise.all([import('vega'), import('vega-lite')]),
    'vega-lite',
    'drawing a chart',
  );
  const { textMetrics } = vega as unknown as { textMetrics: { width: (item: TextItem, text?: unknown) => number } };
  textMetrics.width = (item, text = item.text) => wordsWidth(text, item.fontSize);
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
    labelFontSize: LETTERS,
    titleFontSize: LETTERS,
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
    title: null,
    labelColor: 'currentColor',
    labelFontSize: LETTERS,
    labelLimit: 270,
    symbolSize: 60,
    symbolStrokeWidth: 2,
    columnPadding: 16,
    offset: 8,
  },
  text: { color: 'currentColor', fontSize: LETTERS },
  rule: { color: 'currentColor' },
  line: { strokeWidth: 2 },
  point: { size: 45, filled: true, opacity: 1 },
};
