import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { checkSchema, type Schema } from '../base/schema.js';
import { type Outcome, STOP_REASONS } from '../train/run-store.js';
import type { Environment } from './environment.js';
import { readJson, writeWhole } from './files.js';

/** One process that trained a run: the first, or one that resumed it. */
export interface Session extends Environment {
  readonly host: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly started: string;
  /** Left out while it runs, and forever if it was killed. */
  readonly ended?: string;
  readonly stopped?: Outcome['stopped'];
  /** The error's message, if it failed. */
  readonly error?: string;
}

const FILE = 'environment.json';
/** What is shown of a session. The rest is for people who look into the file. */
const SCHEMA: Schema = {
  'version?': 'string',
  'node?': 'string',
  'adapter?': 'string',
  'host?': 'string',
  'pid?': 'number',
  started: 'string',
  'ended?': 'string',
  'stopped?': 'string',
  'error?': 'string',
};
const ENDINGS: readonly string[] = [...Object.keys(STOP_REASONS), 'failed'];

/** The sessions of a run, earliest first; none if the file is missing. @throws InputError if it is damaged */
export function readSessions(run: string): Session[] {
  const file = join(run, FILE);
  if (!existsSync(file)) return [];
  const sessions = readJson(file) as Session[];
  const advice = 'remove the file, the run needs it only for reports';
  checkSchema(sessions, [SCHEMA], file, advice);
  const odd = sessions.find(({ stopped }) => stopped !== undefined && !ENDINGS.includes(stopped));
  if (odd)
    throw new InputError(
      `${file}: stopped is ${quoted(odd.stopped)}; it must be one of ${ENDINGS.join(', ')}; ${advice}`,
    );
  return sessions;
}

/** Records in RUN/environment.json that this process trains the run from now on. */
export function beginSession(run: string, environment: Environment): void {
  const session = { ...environment, host: hostname(), pid: process.pid, started: new Date().toISOString() };
  write(run, [...readSessions(run), session]);
}

/** Records how the latest session ended. */
export function endSession(run: string, outcome: Outcome): void {
  const sessions = readSessions(run);
  const latest = { ...sessions.pop()!, ended: new Date().toISOString(), ...outcome };
  write(run, [...sessions, latest]);
}

function write(run: string, sessions: readonly Session[]): void {
  writeWhole(join(run, FILE), [Buffer.from(`${JSON.stringify(sessions, null, 2)}\n`)]);
}
