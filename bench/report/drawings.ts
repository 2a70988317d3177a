import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Kept, type Results, readResults } from '../common/results.js';
import { ROOT } from '../common/setting.js';
import { type Chart, draw, subtitleOf } from './draw.js';
import { type KeptKernel, kernelsChart } from './kernels.js';
import { type KeptRace, raceChart } from './race.js';
import { type KeptScale, scaleChart } from './scale.js';

/** The drawing of each bench. */
export const DRAWINGS: Record<string, { title: string; chart: (rows: readonly Kept[]) => Chart }> = {
  step: { title: 'One training step', chart: (rows) => raceChart(rows as KeptRace[]) },
  eval: { title: 'Ranking users against the whole catalogue', chart: (rows) => raceChart(rows as KeptRace[]) },
  scale: {
    title: 'What a position of a training step costs',
    chart: (rows) => scaleChart(rows as KeptScale[]),
  },
  kernels: {
    title: 'Operations against the roofline',
    chart: (rows) => kernelsChart(rows as KeptKernel[]),
  },
};

/** The drawings of kept results as SVG, by bench. A bench without kept results has none. */
export async function drawResults(results: Results): Promise<Map<string, string>> {
  const drawings = new Map<string, string>();
  for (const [bench, { title, chart }] of Object.entries(DRAWINGS)) {
    const rows = results.rows.filter((row) => row.bench === bench);
    if (rows.length > 0) drawings.set(bench, await draw(title, subtitleOf(results, rows), chart(rows)));
  }
  return drawings;
}

/** Drawings are beside the guides that show them, so that the package contains them. */
const FOLDER = join(ROOT, 'docs', 'performance');

/** Draws the results in a file. Returns the drawings' paths; none if there is nothing to draw. */
export async function drawFile(file: string): Promise<string[]> {
  const drawings = await drawResults(readResults(file));
  return [...drawings].map(([bench, svg]) => {
    const path = join(FOLDER, `${basename(file, '.json')}.${bench}.svg`);
    writeFileSync(path, svg);
    return path;
  });
}
