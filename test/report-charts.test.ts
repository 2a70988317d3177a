import { expect, it } from 'vitest';
import { draw } from '../src/report/chart.js';
import { type Interval, intervalChart, lineChart } from '../src/report/charts.js';

const texts = async (spec: Parameters<typeof draw>[0]) => {
  const { text } = await draw(spec, 'title', 'caption');
  return [...text.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, words]) => words!);
};
const row = (name: string, value: number, half: number): Interval => ({
  ...{ name, value, low: value - half, high: value + half },
});
const axisOf = (words: readonly string[]) => words.filter((text) => /^[\d.]+$/.test(text)).map(Number);

it('fits the axis of intervals to the best and those near it, and writes what is far below beside an arrow', async () => {
  const rows = [row('model', 0.186, 0.01), row('popularity', 0.021, 0.003), row('Markov', 0.2007, 0.01)];
  const words = await texts(intervalChart(rows, 'NDCG@10'));
  const axis = axisOf(words);
  expect(axis.length).toBeGreaterThan(2);
  expect(Math.min(...axis)).toBeGreaterThan(0.17);
  expect(Math.max(...axis)).toBeLessThan(0.22);
  expect(words).toEqual(expect.arrayContaining(['model', 'popularity', 'Markov', '◂ 0.0210']));
  expect(words.filter((text) => text.startsWith('◂'))).toHaveLength(1);
});

it('has no two labels alike on an axis of small values, and survives intervals without width', async () => {
  const axis = axisOf(await texts(intervalChart([row('model', 0.0048, 0.0011)], 'NDCG@10')));
  expect(axis.length).toBeGreaterThan(2);
  expect(new Set(axis).size).toBe(axis.length);
  const flat = await texts(intervalChart([row('model', 0.5, 0), row('other', 0, 0)], 'NDCG@10'));
  expect(axisOf(flat)).toContain(0.5);
  expect(axisOf(await texts(intervalChart([row('model', 0, 0)], 'NDCG@10')))).toContain(0);
});

it.each([
  ['early', 2, 'start'],
  ['late', 9, 'end'],
])('writes above the curves what it marks, towards where there is room: %s', async (_, x, anchor) => {
  const axis = { title: 'step', format: '~s' };
  const points = Array.from({ length: 11 }, (_, i) => [i, i] as const);
  const chart = lineChart({ x: axis, y: axis, series: [{ name: 'a', points }], mark: { x, y: x, label: 'best: 7' } });
  const { text } = await draw(chart, 'title', 'caption');
  const [, side, at] = /<text text-anchor="(\w+)" transform="translate\([^,]*,(-?\d+)\)"[^>]*>best: 7</.exec(text)!;
  expect(side).toBe(anchor);
  expect(Number(at)).toBeLessThan(0);
  expect(text).toMatch(/<path [^>]*stroke="currentColor" stroke-width="1\.5"/); // the ring
});
