import { type BigIntStats, closeSync, openSync, statSync } from 'node:fs';

/** How often a file is looked at. */
const LOOK_MS = 500;

export interface Reloads<T> {
  /** Loads what takes the place of the one before. */
  load: () => Promise<T>;
  /** A file that is loaded again when it has changed; without it, only SIGHUP asks for that. */
  file?: string | undefined;
  /** Called with the error if `load` throws; what is there already stays. */
  refuse: (error: Error) => void;
  /** Ends it. */
  signal: AbortSignal;
}

/**
 * Loads something anew at every SIGHUP, which Windows does not have, and whenever a file has changed. What is asked for during a load makes one more load.
 * From the call on, SIGHUP ends the process only if its terminal is gone, as by SIGTERM.
 */
export function reloads<T>({ load, file, refuse, signal }: Reloads<T>): AsyncIterable<T> {
  let asked = false;
  let wake = () => {};
  const ask = () => {
    asked = true;
    wake();
  };
  const looking = file === undefined ? undefined : setInterval(watching(file, ask), LOOK_MS);
  const onTerminal = hasTerminal();
  const hangUp = () => {
    if (onTerminal && !hasTerminal()) process.kill(process.pid, 'SIGTERM');
    else ask();
  };
  if (process.platform !== 'win32') process.on('SIGHUP', hangUp);
  signal.addEventListener('abort', () => {
    clearInterval(looking);
    process.off('SIGHUP', hangUp);
    wake();
  });
  return (async function* () {
    while (!signal.aborted) {
      if (!asked) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      asked = false;
      const loaded = await load().catch(refuse);
      if (loaded !== undefined) yield loaded as T;
    }
  })();
}

/** Looks at a file at each call, and reports a change once it has lasted from one look to the next: a file that is being copied is let alone. */
function watching(file: string, onChange: () => void): () => void {
  let [known, seen] = [stampOf(file), stampOf(file)];
  return () => {
    const now = stampOf(file);
    const settled = now === seen;
    seen = now;
    if (!settled || now === known) return;
    known = now;
    if (now !== undefined) onChange();
  };
}

/** Differs between two versions of a file; undefined where there is none. */
function stampOf(file: string): string | undefined {
  const stats: BigIntStats | undefined = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}

/** Whether the process belongs to a terminal. It does not any more when that has been closed. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
