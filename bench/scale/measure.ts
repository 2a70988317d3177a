import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from '../common/results.js';
import { isWide, summarise } from '../common/statistics.js';
import { Implementation } from '../step/implementations.js';
import { type Failure, race, ratio, type Turns } from '../step/race.js';
import { isTimed } from '../step/report.js';
import { drawRows } from '../step/rows.js';
import { type StepShape, shapeFlags, stepText } from '../step/shapes.js';
import { AXES, type Axis, type AxisName, shapeAt } from './axes.js';

/** A training step of ours at one point of an axis: a line of `bench scale`. */
export interface ScaleRow extends Measurement {
  bench: 'scale';
  impl: 'gsas';
  axis: AxisName;
  value: number;
  /** B S: every row fills its window. */
  positions: number;
  us_per_position: number;
  /** A position's cost as a multiple of its cost at the axis's first point, median over rounds. */
  growth: number;
  rounds: number;
  rss_mib: number;
  device_mib?: number;
  wide: boolean;
}

/** How many different batches there are, so that no step finds its table rows in a cache because the previous step read them. */
const BATCHES = 3;

/**
 * Times a step at each point of an axis. Points are separate processes that take turns, so that a busy machine affects them all and the growth along the
 * axis is that of the work.
 * @param given numbers of the shape that the user asked for
 * @param leftOut called for each point that cannot run, with the reason
 */
export async function measureAxis(
  name: AxisName,
  given: Partial<StepShape>,
  rounds: number,
  leftOut: (reason: string) => void,
): Promise<ScaleRow[]> {
  const axis: Axis = AXES[name];
  const folder = mkdtempSync(join(tmpdir(), 'gsas-scale-'));
  try {
    const start = (value: string) => {
      const shape = shapeAt(axis, Number(value), given);
      const file = join(folder, `${value}.jsonl`);
      writeFileSync(file, rowsOf(shape));
      return Implementation.start('gsas', [...shapeFlags(shape), '--rows', file]);
    };
    const entries = await race(axis.values.map(String), start, { question: 'step', warmup: 1, rounds });
    for (const { name: value, reason } of entries.filter((entry): entry is Failure<string> => !isTimed(entry))) {
      leftOut(`${name} ${value}: ${reason}`);
    }
    const turns = entries.filter(isTimed);
    return turns.map((turn) => rowOf(name, turn, turns[0], (value) => shapeAt(axis, Number(value), given)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Rows that all fill the window, a JSON array a line. */
function rowsOf({ batch_size: B, items, sequence_length: S }: StepShape): string {
  const rows = drawRows([S + 1], BATCHES * B, items, S);
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** @param first whose positions the growth is to */
function rowOf(
  axis: AxisName,
  turn: Turns<string>,
  first: Turns<string>,
  shapeOf: (value: string) => StepShape,
): ScaleRow {
  const positionsOf = (value: string) => shapeOf(value).batch_size * shapeOf(value).sequence_length;
  const positions = positionsOf(turn.name);
  const spread = summarise(turn.times);
  const { rss_mib, device_mib } = turn.last;
  return {
    bench: 'scale',
    impl: 'gsas',
    axis,
    value: Number(turn.name),
    shape: stepText(axis, shapeOf(turn.name)),
    median_ms: spread.median,
    p10_ms: spread.p10,
    p90_ms: spread.p90,
    positions,
    us_per_position: (1000 * spread.median) / positions,
    growth: (ratio(turn, first) * positionsOf(first.name)) / positions,
    rounds: turn.times.length,
    rss_mib,
    ...(device_mib !== undefined && { device_mib }),
    wide: isWide(spread),
  };
}
