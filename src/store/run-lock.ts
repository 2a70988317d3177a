import {
  existsSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { GsasError, InputError } from '../base/errors.js';
import { systemReason } from './files.js';

/** The process that holds a run, as its lock names it. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** The namespace of process ids, on Linux: containers that share a host and its name may have several. */
  readonly space: string | null;
  /** Distinguishes the process from a later one with the same id: the boot and its start time, on Linux. */
  readonly start: string | null;
  /** ISO 8601. */
  readonly since: string;
}

const FILE = 'run.lock';
const HEARTBEAT_SECONDS = 60;
/** A process elsewhere cannot be looked up. It counts as gone after being silent for this long. */
const SILENCE_SECONDS = 600;
/** Others may take and release the lock meanwhile, or be about to write their name into it. */
const ATTEMPTS = 50;
const WAIT_MS = 200;
/** A lock that names no process was cut off by a kill or a full disk, unless it is younger than this. */
const YOUNG_MS = 5000;

const held = new Set<RunLock>();
const releaseAll = () => {
  for (const lock of held) lock.release();
};

/**
 * Locks a run's folder, so that no two processes write to it: a file that names the process, created by one call that fails if the file exists. A lock
 * whose process is gone is taken over.
 */
export class RunLock {
  readonly #file: string;
  readonly #text: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(
    private readonly run: string,
    text: string,
  ) {
    this.#file = join(run, FILE);
    this.#text = text;
    this.#heartbeat = setInterval(() => touch(this.#file), 1000 * HEARTBEAT_SECONDS).unref();
    if (held.size === 0) process.on('exit', releaseAll);
    held.add(this);
  }

  /**
   * @throws InputError if another process, or another run of this one, holds the folder; it names the process
   * @throws GsasError if no file can be written in the folder
   */
  static take(run: string): RunLock {
    const file = join(run, FILE);
    const text = `${JSON.stringify(thisProcess())}\n`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (create(file, text)) return new RunLock(run, text);
      refuseHeld(run);
      removeStale(file);
    }
    throw new InputError(`${run}: other processes keep taking ${file}; try again`);
  }

  /** @throws GsasError if this process does not hold the folder any more, or the folder is gone */
  check(): void {
    const text = readIfThere(this.#file);
    if (text === this.#text) return;
    if (!existsSync(this.run)) throw new GsasError(`${this.run}: the folder of the run was removed while it went on`);
    const other = text === undefined ? undefined : parse(text);
    const who = other ? `process ${other.pid} on ${other.host} has taken it over` : `its ${FILE} was removed`;
    throw new GsasError(`${this.run}: this process does not hold the run any more, ${who}; nothing more is written`);
  }

  /** Unlocks the folder. */
  release(): void {
    clearInterval(this.#heartbeat);
    held.delete(this);
    if (held.size === 0) process.off('exit', releaseAll);
    if (readIfThere(this.#file) === this.#text) rmSync(this.#file, { force: true });
  }
}

/** @throws InputError if a living process holds the run's folder */
export function refuseHeld(run: string): void {
  const file = join(run, FILE);
  const text = readIfThere(file);
  const holder = text === undefined ? undefined : parse(text);
  if (!holder || !isHolding(holder, file)) return;
  const here = holder.host === hostname() ? '' : ` on ${holder.host}`;
  const self = holder.pid === process.pid && here === '' ? ', this one,' : '';
  const gone = here === '' ? '' : `, or remove ${file} if it is gone`;
  throw new InputError(
    `${run}: is in use by process ${holder.pid}${here}${self} since ${holder.since}; wait until it ends${gone}`,
  );
}

/** Whether a process of this machine exists. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isHolding({ pid, host, space, start }: Holder, file: string): boolean {
  if (host !== hostname() || space !== processSpace()) {
    const seen = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return Date.now() - seen < 1000 * SILENCE_SECONDS;
  }
  if (!isProcessAlive(pid)) return false;
  const now = processStart(pid);
  return start === null || now === null || start === now;
}

/** @returns false if the file exists already */
function create(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    quietly(() => rmSync(file, { force: true })); // empty if the disk is full
    throw new GsasError(`${file}: cannot be written: ${systemReason(error)}`, { cause: error });
  }
}

/** Removes the lock of a process that is gone. If several processes try, one moves that very file away; any that finds another file there puts it back. */
function removeStale(file: string): void {
  const text = readIfThere(file);
  if (text === undefined) return;
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (!parse(text) && age < YOUNG_MS) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    return;
  }
  const aside = `${file}.${process.pid}.tmp`;
  try {
    renameSync(file, aside);
    if (readIfThere(aside) !== text && !existsSync(file)) renameSync(aside, file);
    else rmSync(aside, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new GsasError(`${file}: cannot be removed: ${systemReason(error)}`, { cause: error });
    }
  }
}

function thisProcess(): Holder {
  return {
    pid: process.pid,
    host: hostname(),
    space: processSpace(),
    start: processStart(process.pid),
    since: new Date().toISOString(),
  };
}

/** Undefined if the lock names no process. */
function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text);
    return Number.isInteger(holder?.pid) && typeof holder.host === 'string' ? holder : undefined;
  } catch {
    return undefined;
  }
}

function processSpace(): string | null {
  return quietly(() => readlinkSync('/proc/self/ns/pid'));
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)); the second may hold spaces and parentheses. */
function processStart(pid: number): string | null {
  return quietly(() => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  });
}

function touch(file: string): void {
  quietly(() => utimesSync(file, new Date(), new Date()));
}

function readIfThere(file: string): string | undefined {
  return quietly(() => readFileSync(file, 'utf8')) ?? undefined;
}

function quietly<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch {
    return null;
  }
}
