import type { Command } from 'commander';
import { printable } from '../base/printable.js';
import { parseOrigins } from '../serve/cors.js';
import { serve } from '../serve/serve.js';
import { modelNames } from '../store/names.js';
import { parseCount, titlesOption } from './arguments.js';
import { endSignal, exitSoon } from './interrupt.js';
import { type SubjectFlags, subjectOf, takeSubject, withDevice } from './subject.js';
import { parsePort } from './watch.js';

interface Flags extends SubjectFlags {
  host: string;
  port: number;
  maxBody: number;
  maxWaiting: number;
  cors?: string[];
  titles?: string;
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('answer over HTTP: a history in, what comes next out; with a page to try it on');
  takeSubject(command, 'dataset with the titles (default: the one the run was trained on)')
    .option('--host <address>', 'address to listen on; 0.0.0.0 serves the whole network', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any that is free', parsePort, 8410)
    .option('--max-body <bytes>', 'longest body of a request', parseCount, 65536)
    .option(
      '--max-waiting <count>',
      'requests that may wait for the GPU; more are refused with 503 and Retry-After',
      parseCount,
      1024,
    )
    .option(
      '--cors <origins>',
      'origins whose pages may ask, such as https://shop.example,https://www.shop.example; * for any (default: none)',
      parseOrigins,
    )
    .addOption(titlesOption())
    .action(runServe);
}

async function runServe(run: string | undefined, flags: Flags, command: Command): Promise<void> {
  const { model, data, checkpoint, titles, ...options } = flags;
  const { verbose } = command.optsWithGlobals();
  const { subject, folder } = subjectOf(run, flags);
  const names = modelNames(run, folder, titles);
  const { label, filterRated, step } = subject;
  const signal = endSignal();
  await withDevice(async (device) => {
    await serve(await subject.recommender(device), names, {
      ...{ ...options, filterRated, signal },
      ...(step !== undefined && { step }),
      log: (line, error) => {
        const shown = verbose && error instanceof Error ? error.stack! : printable(line);
        process.stderr.write(`${new Date().toISOString()} ${shown}\n`);
      },
      onOpen: (address) => console.log(`${label} is served at ${address} until Ctrl-C`),
    });
    exitSoon();
  });
}
