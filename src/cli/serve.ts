import { type Command, Option } from 'commander';
import { printable } from '../base/printable.js';
import { openGpu } from '../node/gpu.js';
import { parseOrigins } from '../serve/cors.js';
import { serve } from '../serve/serve.js';
import { loadCheckpoint } from '../store/checkpoint.js';
import { namesOfRun } from '../store/names.js';
import { parseCount, parsePath } from './arguments.js';
import { parsePort } from './watch.js';

interface Flags {
  host: string;
  port: number;
  maxBody: number;
  maxWaiting: number;
  cors?: string[];
  data?: string;
  titles?: string;
  checkpoint: 'best' | 'last';
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('answer over HTTP: a history in, what comes next out; with a page to try it on')
    .argument('<run>', 'folder of a run, or a checkpoint file')
    .option('--host <address>', 'address to listen on; 0.0.0.0 serves the whole network', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any that is free', parsePort, 8410)
    .option('--max-body <bytes>', 'longest body of a request', parseCount, 65536)
    .option(
      '--max-waiting <count>',
      'requests that may wait for the GPU; more are told to come again',
      parseCount,
      1024,
    )
    .option(
      '--cors <origins>',
      'origins whose pages may ask, such as https://shop.example,https://www.shop.example; * for any (default: none)',
      parseOrigins,
    )
    .option('--data <folder>', 'dataset with the titles (default: the one the run was trained on)', parsePath)
    .option('--titles <file>', 'CSV with the columns id and title (default: items.csv of the data)', parsePath)
    .addOption(
      new Option('--checkpoint <name>', "which of the run's checkpoints").choices(['best', 'last']).default('best'),
    )
    .action(runServe);
}

async function runServe(
  run: string,
  { data, titles, checkpoint: which, ...options }: Flags,
  command: Command,
): Promise<void> {
  const { verbose } = command.optsWithGlobals();
  const checkpoint = loadCheckpoint(run, which);
  const { names } = namesOfRun(run, { ...(data && { data }), ...(titles && { titles }) });
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  const gpu = await openGpu();
  try {
    await serve(gpu, checkpoint, names, {
      ...options,
      signal: end.signal,
      log: (line, error) => {
        const shown = verbose && error instanceof Error ? error.stack! : printable(line);
        process.stderr.write(`${new Date().toISOString()} ${shown}\n`);
      },
      onOpen: (address) => console.log(`${run} is served at ${address} until Ctrl-C`),
    });
  } finally {
    gpu.close();
  }
}
