import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { watchRun } from '../serve/watch.js';
import { endSignal } from './interrupt.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('serve the report of a run on this machine, and keep it up to date while the run goes on')
    .argument('<run>', 'folder of a run')
    .option('--port <number>', 'port on 127.0.0.1 (default: the first free one from 8420 on)', parsePort)
    .action(runWatch);
}

async function runWatch(run: string, { port }: { port?: number }): Promise<void> {
  await watchRun(run, {
    ...(port !== undefined && { port }),
    signal: process.channel ? endOfTraining() : endSignal(),
    onOpen: (address) => console.log(`${run} is shown at ${address}${process.channel ? '' : ' until Ctrl-C'}`),
  });
}

/** Aborted when the training beside it ends, for whatever reason. A Ctrl-C in their terminal is meant for the training. */
function endOfTraining(): AbortSignal {
  const end = new AbortController();
  process.on('disconnect', () => end.abort()).on('SIGINT', () => {});
  return end.signal;
}

/** Runs `watch` in a process of its own, so that drawing does not delay training. It ends with `disconnect()`, or with this process. */
export function watchBeside(run: string): ChildProcess {
  return spawn(process.execPath, [MAIN, 'watch', run], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new InvalidArgumentError('It must be a port, from 0 to 65535.');
  return port;
}
