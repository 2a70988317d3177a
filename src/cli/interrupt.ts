/**
 * Runs work that a Ctrl-C or SIGTERM aborts, so that it can clean up behind itself; the process then ends as by the signal.
 * @param goodbye said on the standard error then
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, goodbye?: string): Promise<T> {
  const interrupt = new AbortController();
  const stop = () => interrupt.abort();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    if (goodbye) process.stderr.write(`${goodbye}\n`);
    process.exit(130);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
