import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TuningAnswer } from '../engine/tuning.js';
import { cacheFolder } from './cache.js';

/** What an answer depends on besides the shape. */
export interface TunedFor {
  adapter: string;
  driver: string;
  /** The version of this package, whose kernels were measured. */
  version: string;
}

interface TuningFile extends TunedFor {
  answers: readonly TuningAnswer[];
}

/** Whether to look up and measure answers at all: not with GSAS_TUNE=0. */
export function tuningWanted(): boolean {
  return process.env.GSAS_TUNE !== '0';
}

export function tunedFor({ device, description }: GPUAdapterInfo): TunedFor {
  return { adapter: device, driver: description, version: packageVersion() };
}

/** Where an adapter's answers are kept. */
export function tuningFile({ adapter }: TunedFor, folder = cacheFolder()): string {
  return join(folder, 'tuning', `${adapter.replace(/[^\w.-]+/g, '-') || 'unnamed'}.json`);
}

/**
 * The saved answers for an adapter; none from a file of another driver or version. For an invalid file `warn` is called, and the next `saveTuning`
 * replaces it.
 */
export function loadTuning(
  key: TunedFor,
  file = tuningFile(key),
  warn: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): readonly TuningAnswer[] {
  if (!existsSync(file)) return [];
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as TuningFile;
    if (![kept.adapter, kept.driver, kept.version].every((text) => typeof text === 'string')) throw new Error('no key');
    if (!Array.isArray(kept.answers) || !kept.answers.every(isAnswer)) throw new Error('no answers');
    const same = kept.adapter === key.adapter && kept.driver === key.driver && kept.version === key.version;
    return same ? kept.answers : [];
  } catch {
    warn(`${file} is damaged, so kernels are not tuned; it is written anew when they are (gsas-wgpu tune)`);
    return [];
  }
}

/** Saves the answers, which already contain those saved before for the same adapter. */
export function saveTuning(key: TunedFor, answers: readonly TuningAnswer[], file = tuningFile(key)): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ ...key, answers } satisfies TuningFile, null, 2)}\n`);
  renameSync(temporary, file);
}

function isAnswer(value: unknown): value is TuningAnswer {
  const { op, shape, size, choice, builtIn, ratio } = (value ?? {}) as Partial<TuningAnswer>;
  const texts = [op, shape, choice, builtIn].every((text) => typeof text === 'string');
  return texts && Number.isFinite(size) && size! > 0 && Number.isFinite(ratio);
}

function packageVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).version;
    if (folder === dirname(folder)) return 'unknown';
  }
}
