import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GsasError } from '../../src/base/errors.js';
import type { Measurement } from '../common/results.js';
import { ROOT } from '../common/setting.js';
import { isWide, median, summarise } from '../common/statistics.js';

/** Milliseconds of each part of one start, in order, from the start of the process. */
export type Start = ReadonlyMap<string, number>;

/** The last part that counts: training has begun. */
const FIRST_STEP = 'first step';

export interface StartupRow extends Measurement {
  bench: 'startup';
  impl: 'gsas';
  /** Whether the driver's shader cache was empty. */
  pass: 'cold' | 'warm';
  /** Median milliseconds of each part. */
  parts: Record<string, number>;
  rounds: number;
  wide: boolean;
}

/** The durations of parts, from the times that the process reports. */
export function partsOf(marks: readonly (readonly [string, number])[]): Start {
  return new Map(marks.map(([part, at], i) => [part, at - (marks[i - 1]?.[1] ?? 0)]));
}

/** Starts a process that trains two steps. @param cache folder of the driver's shader cache */
async function start(flags: readonly string[], cache: string): Promise<Start> {
  const program = join(ROOT, 'bench', '.build', 'bench', 'startup', 'gsas.js');
  const child = spawn(process.execPath, [program, ...flags], {
    // Mesa's and NVIDIA's names of the folder.
    env: { ...process.env, MESA_SHADER_CACHE_DIR: cache, __GL_SHADER_DISK_CACHE_PATH: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, complaint] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new GsasError(`the process that was started: ${complaint.trim() || `ended with ${code}`}`);
  return partsOf(JSON.parse(out));
}

/** Starts with an empty shader cache of the driver, each followed by a start with the cache that it left. */
export async function measureStarts(
  flags: readonly string[],
  rounds: number,
): Promise<Record<'cold' | 'warm', Start[]>> {
  const starts: Record<'cold' | 'warm', Start[]> = { cold: [], warm: [] };
  for (let round = 0; round < rounds; round++) {
    const cache = mkdtempSync(join(tmpdir(), 'gsas-shaders-'));
    try {
      starts.cold.push(await start(flags, cache));
      starts.warm.push(await start(flags, cache));
    } finally {
      rmSync(cache, { recursive: true });
    }
  }
  return starts;
}

/** @returns times from the start of the process to the first step's loss, and its parts */
export function startupRow(pass: 'cold' | 'warm', shape: string, starts: readonly Start[]): StartupRow {
  const names = [...starts[0].keys()];
  const counted = names.slice(0, names.indexOf(FIRST_STEP) + 1);
  const spread = summarise(starts.map((parts) => counted.reduce((sum, name) => sum + parts.get(name)!, 0)));
  return {
    bench: 'startup',
    impl: 'gsas',
    pass,
    shape,
    median_ms: spread.median,
    p10_ms: spread.p10,
    p90_ms: spread.p90,
    parts: Object.fromEntries(names.map((name) => [name, median(starts.map((parts) => parts.get(name)!))])),
    rounds: starts.length,
    wide: isWide(spread),
  };
}
