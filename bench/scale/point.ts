import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clock, type Effort, repeat } from '../common/clock.js';
import type { Measurement } from '../common/results.js';
import { isWide, summarise } from '../common/statistics.js';
import { Implementation } from '../step/implementations.js';
import { drawRows } from '../step/rows.js';
import { type StepShape, shapeFlags, stepText } from '../step/shapes.js';
import type { AxisName } from './axes.js';

/** A training step of ours at one point of an axis: a line of `bench scale`. */
export interface ScaleRow extends Measurement {
  bench: 'scale';
  impl: 'gsas';
  axis: AxisName;
  value: number;
  /** B S: every row fills its window. */
  positions: number;
  us_per_position: number;
  rounds: number;
  rss_mib: number;
  device_mib?: number;
  wide: boolean;
}

/** Batches that differ, so that no step finds its rows of the tables in a cache because the step before read them. */
const BATCHES = 3;

/**
 * Times training steps in a process of their own, so that no point inherits another's memory.
 * @throws GsasError with what the process said where it cannot run
 */
export async function measurePoint(axis: AxisName, value: number, shape: StepShape, effort: Effort): Promise<ScaleRow> {
  const { batch_size: B, items, sequence_length: S } = shape;
  const folder = mkdtempSync(join(tmpdir(), 'gsas-scale-'));
  let running: Implementation | undefined;
  try {
    const file = join(folder, 'rows.jsonl');
    const rows = drawRows([S + 1], BATCHES * B, items, S);
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const gsas = await Implementation.start('gsas', [...shapeFlags(shape), '--rows', file]);
    running = gsas;
    let rss_mib = 0;
    let device_mib: number | undefined;
    const times = await repeat(
      () =>
        clock(async () => {
          ({ rss_mib, device_mib } = await gsas.ask('step'));
        }),
      effort,
    );
    const { median, p10, p90 } = summarise(times);
    const positions = B * S;
    return {
      bench: 'scale',
      impl: 'gsas',
      axis,
      value,
      shape: stepText(axis, shape),
      median_ms: median,
      p10_ms: p10,
      p90_ms: p90,
      positions,
      us_per_position: (1000 * median) / positions,
      rounds: times.length,
      rss_mib,
      ...(device_mib !== undefined && { device_mib }),
      wide: isWide({ median, p10, p90 }),
    };
  } finally {
    running?.stop();
    rmSync(folder, { recursive: true });
  }
}
