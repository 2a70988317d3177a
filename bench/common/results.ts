import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../src/base/errors.js';
import { ROOT, type Setting } from './setting.js';

/** Where results are kept. */
export const FOLDER = join(ROOT, 'bench', 'results');

/** What every line of a bench has. Times are milliseconds. */
export interface Measurement {
  bench: string;
  shape: string;
  /** What was measured, if a bench measures several things at one shape: an operation and its direction, or an implementation. */
  op?: string;
  pass?: string;
  impl?: string;
  /** Host time: from the first command to knowing that the GPU is done. */
  median_ms: number;
  p10_ms: number;
  p90_ms: number;
  /** GPU time by timestamps; left out if the adapter has none. */
  gpu_ms?: number;
  gpu_p10_ms?: number;
  gpu_p90_ms?: number;
}

/** A measurement as it is kept. */
export type Kept = Measurement & { commit: string; date: string };

/** bench/results/ADAPTER.json: the latest measurement of everything on one adapter. */
export interface Results {
  adapter: string;
  driver: string;
  processor: string;
  rows: Kept[];
}

/** The subject of a measurement. A later measurement of the same subject replaces it. */
export function subject({ bench, impl, op, pass, shape }: Measurement): string {
  return [bench, impl, op, pass, shape].filter((part) => part !== undefined).join(' ');
}

/** `known`, with new measurements in `rows` replacing old ones; sorted, so that a diff between files shows what changed. */
export function merge(known: readonly Kept[], rows: readonly Kept[]): Kept[] {
  const bySubject = new Map([...known, ...rows].map((row) => [subject(row), row]));
  return [...bySubject].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** Adds measurements to the adapter's file in bench/results. Returns the file's path. */
export function saveResults({ adapter, driver, processor, commit }: Setting, rows: readonly Measurement[]): string {
  const file = join(FOLDER, `${adapter}.json`);
  const known = existsSync(file) ? readResults(file).rows : [];
  const date = new Date().toISOString().slice(0, 10);
  const kept = merge(
    known,
    rows.map((row) => ({ ...row, commit, date })),
  );
  const head = JSON.stringify({ adapter, driver, processor }).slice(0, -1);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(file, `${head},"rows":[\n${kept.map((row) => JSON.stringify(row, fourDigits)).join(',\n')}\n]}\n`);
  return file;
}

/** All files of results that are kept. */
export function keptResults(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(FOLDER, name));
}

/** Results in a file, or at a commit: REVISION:FILE. @throws InputError if there are none */
export function readResults(name: string): Results {
  let text: string;
  if (existsSync(name)) text = readFileSync(name, 'utf8');
  else {
    const shown = spawnSync('git', ['show', name], { encoding: 'utf8' });
    if (shown.status !== 0) throw new InputError(`${name}: is neither a file of results nor REVISION:FILE`);
    text = shown.stdout;
  }
  let results: Partial<Results> | null;
  try {
    results = JSON.parse(text);
  } catch {
    throw new InputError(`${name}: is no JSON`);
  }
  if (!Array.isArray(results?.rows)) throw new InputError(`${name}: has no rows, so it holds no results`);
  return results as Results;
}

/** Digits beyond the fourth are noise, and would change with every measurement. */
function fourDigits(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
