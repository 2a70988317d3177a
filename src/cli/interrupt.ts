import { constants } from 'node:os';
import type { Gpu } from '../engine/gpu.js';

export type Signal = 'SIGINT' | 'SIGTERM';

/** Signals this soon after the first are its echoes, not a second Ctrl-C: npm and npx forward one that the terminal has sent already. */
export const ECHO_MS = 500;
/** How long cleaning up may take. A driver that compiles a shader could delay it for minutes. */
const CLEANUP_MS = 5000;

/** How long a process that was asked to end waits for a shader that is being compiled. */
const COMPILING_MS = 15_000;

/** The exit code of a process that a signal ended before its work was done. */
export function exitCodeOf(signal: Signal): number {
  return 128 + constants.signals[signal];
}

/**
 * Runs work that Ctrl-C or SIGTERM aborts, so that it can clean up. The process then ends as by the signal, also if cleaning up takes too long or the
 * signal comes again.
 * @param goodbye printed on stderr then
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, goodbye?: string): Promise<T> {
  const interrupt = new AbortController();
  let asked = 0;
  let code = 0;
  let late: NodeJS.Timeout | undefined;
  const stop = (signal: Signal) => {
    if (interrupt.signal.aborted) {
      if (performance.now() - asked > ECHO_MS) process.exit(code);
      return;
    }
    asked = performance.now();
    code = exitCodeOf(signal);
    late = setTimeout(() => process.exit(code), CLEANUP_MS);
    interrupt.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    if (goodbye) process.stderr.write(`${goodbye}\n`);
    process.exit(code);
  } finally {
    clearTimeout(late);
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** Aborted by the first Ctrl-C or SIGTERM, which then does not end the process. Its reason is that signal's name. */
export function endSignal(): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort(signal));
  return end.signal;
}

/**
 * Closes a device whose work a signal has cut short. Closing blocks the process until the shader that is being compiled is done, and exiting meanwhile
 * can crash in the driver. So it waits until the device is idle, and where that takes long the process ends by the signal itself.
 * @param signal which nothing handles any more
 */
export async function closeAfter(signal: Signal, gpu: Gpu): Promise<void> {
  setTimeout(() => process.kill(process.pid, signal), COMPILING_MS).unref();
  await gpu.idle();
  gpu.close();
}
