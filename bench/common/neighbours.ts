import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { BUSY } from './setting.js';

/** A process as in /proc/PID/stat. */
export interface Process {
  pid: number;
  parent: number;
  name: string;
  /** Processor time so far, in seconds. */
  seconds: number;
}

const TICKS = 100; // a second: USER_HZ, the same on every Linux that Node runs on

/** How long a command must take before a warning is possible; a shorter one has timed nothing. */
const LEAST = 1; // seconds

/**
 * Begins to watch other processes. The function that it returns gives a warning if they have kept the machine busy since then; undefined if they have
 * not, or there is no /proc.
 */
export function watchNeighbours(): () => string | undefined {
  const [before, start] = [processes(), performance.now()];
  return () => {
    const seconds = (performance.now() - start) / 1000;
    return seconds < LEAST ? undefined : neighbourWarning(before, processes(), seconds, process.pid);
  };
}

/**
 * What processes other than `self` and those below it did in `seconds`.
 * @param count processors of the machine
 */
export function neighbourWarning(
  before: readonly Process[],
  after: readonly Process[],
  seconds: number,
  self: number,
  count = cpus().length,
): string | undefined {
  const known = new Map(before.map((process) => [process.pid, process]));
  const parents = new Map(after.map(({ pid, parent }) => [pid, parent]));
  const ours = (pid: number): boolean => pid === self || (parents.has(pid) && ours(parents.get(pid)!));
  const shares = after
    .filter(({ pid }) => !ours(pid))
    .map(({ pid, name, seconds: now }) => ({ pid, name, share: (now - (known.get(pid)?.seconds ?? 0)) / seconds }))
    .sort((a, b) => b.share - a.share);
  const all = shares.reduce((sum, { share }) => sum + share, 0);
  if (all <= BUSY * count) return undefined;
  const { name, pid } = shares[0];
  return `others took ${all.toFixed(1)} of ${count} processors meanwhile, most of it ${name} (process ${pid}): trust ratios within this run, not times`;
}

/** The running processes; none if there is no /proc. */
function processes(): Process[] {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((pid) => {
    try {
      return [parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))];
    } catch {
      return []; // it has ended
    }
  });
}

/** A line of /proc/PID/stat (proc(5)): the name is in parentheses and may hold any character. */
export function parseStat(line: string): Process {
  const [open, close] = [line.indexOf('('), line.lastIndexOf(')')];
  const fields = line.slice(close + 2).split(' ');
  return {
    pid: Number(line.slice(0, open)),
    parent: Number(fields[1]),
    name: line.slice(open + 1, close),
    seconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
  };
}
