/** Runs work that a Ctrl-C or SIGTERM aborts, so that it can clean up behind itself; the process then ends as by the signal. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const stop = () => interrupt.abort();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted && error === interrupt.signal.reason) process.exit(130);
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
