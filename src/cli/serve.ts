import type { Command } from 'commander';
import { InputError } from '../base/errors.js';
import { printable } from '../base/printable.js';
import type { Gpu } from '../engine/gpu.js';
import { cardOf, cardOfData } from '../serve/card.js';
import { parseOrigins } from '../serve/cors.js';
import { serve } from '../serve/serve.js';
import type { ServedModel } from '../serve/service.js';
import { checkpointFile } from '../store/checkpoint.js';
import { exampleUsers } from '../store/examples.js';
import { modelNames, occurrences } from '../store/names.js';
import { openSource, recallSource, trainedOnEverything } from '../store/source.js';
import { knownUsers } from '../store/users.js';
import { parseCount, titlesOption } from './arguments.js';
import { closeAfter, endSignal } from './interrupt.js';
import { reloads } from './reloads.js';
import { type SubjectFlags, subjectOf, takeSubject, withDevice } from './subject.js';
import { parsePort } from './watch.js';

interface Flags extends SubjectFlags {
  host: string;
  port: number;
  maxBody: number;
  maxWaiting: number;
  cors?: string[];
  titles?: string;
  watch?: true;
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('answer over HTTP: a history in, what comes next out; with a page to try it on');
  takeSubject(
    command,
    'dataset with the users, and with the titles of a run that keeps none (default: that of the run)',
  )
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
    .option('--watch', 'serve a new checkpoint of the run as soon as it is written; SIGHUP does so once')
    .addOption(titlesOption())
    .action(runServe);
}

async function runServe(run: string | undefined, flags: Flags, command: Command): Promise<void> {
  const { host, port, maxBody, maxWaiting, cors } = flags;
  const { verbose } = command.optsWithGlobals();
  if (flags.watch && run === undefined)
    throw new InputError('--watch looks for new checkpoints of a run; a baseline has none');
  const file = flags.watch && checkpointFile(run!, flags.checkpoint);
  const signal = endSignal();
  const log = (line: string, error: unknown) => {
    const shown = verbose && error instanceof Error ? error.stack! : printable(line);
    process.stderr.write(`${new Date().toISOString()} ${shown}\n`);
  };
  const close = (gpu: Gpu) => (signal.aborted ? closeAfter(signal.reason, gpu) : gpu.close());
  await withDevice(async (device) => {
    const replacements = reloads<ServedModel>({
      ...{ load: () => servedModel(run, flags, device), file, signal },
      refuse: (error) => log(`not served, and what was served before still is: ${error.message}`, error),
    });
    const first = await servedModel(run, flags, device);
    const { label } = first;
    await serve(first, {
      ...{ host, port, maxBody, maxWaiting, ...(cors && { cors }), replacements, log, signal },
      onReplaced: ({ step }) =>
        console.log(`${label}${step === undefined ? '' : `, step ${step},`} is served from now on`),
      onOpen: (address) => console.log(`${label} is served at ${address} until Ctrl-C`),
    });
  }, close);
}

/** What the arguments name, as it is now. */
async function servedModel(
  run: string | undefined,
  flags: Flags,
  device: () => Promise<Gpu>,
): Promise<ServedModel & { label: string }> {
  const { subject, folder } = subjectOf(run, flags);
  const { label, numItems, filterRated, step } = subject;
  const known = modelNames(run, folder, flags.titles);
  const counted = run === undefined ? openSource(folder!).dataset : undefined;
  const counts = known.counts ?? (counted && occurrences(counted));
  const names = { ...known, ...(counts && { counts }) };
  const everything = run !== undefined && trainedOnEverything(run);
  return {
    ...{ label, names, filterRated, ...(step !== undefined && { step }) },
    users: () => knownUsers(folder === undefined ? recallSource(run!) : folder, { label, numItems, names }),
    card: counted ? cardOfData(counted) : cardOf(run!, step!),
    examples: () => (folder === undefined ? [] : exampleUsers(folder, { numItems, names, everything })),
    recommender: await subject.recommender(device),
  };
}
