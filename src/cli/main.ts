#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import tab from '@bomb.sh/tab/commander';
import { Command, CommanderError } from 'commander';
import { GsasError, ShaderError } from '../base/errors.js';
import { printable } from '../base/printable.js';
import { addBench } from './bench.js';
import { addConvert } from './convert.js';
import { addData } from './data.js';
import { addDoctor } from './doctor.js';
import { addEvaluate } from './evaluate.js';
import { addKernels } from './kernels.js';
import { addParity } from './parity.js';
import { addRecommend } from './recommend.js';
import { addReport } from './report.js';
import { addRuns } from './runs.js';
import { addServe } from './serve.js';
import { addTrain } from './train.js';
import { addTune } from './tune.js';
import { addWatch } from './watch.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = new Command('gsas-wgpu')
  .description('gSASRec on the GPU: train, evaluate and serve sequential recommendations')
  .version(version)
  .option(
    '--adapter <name>',
    'GPU adapter: part of its name, lavapipe or swiftshader (default: $GSAS_ADAPTER, else the best)',
  )
  .option('--verbose', 'print the stack trace of an error')
  .configureHelp({ showGlobalOptions: true })
  // Commander throws instead of exiting, and puts its hint ("Did you mean ...?") on the error's line.
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`${printable(text.trim())}\n`) })
  // All that opens an adapter reads this variable, so that no command has to pass the option on.
  .hook('preAction', (_, command) => {
    const { adapter } = command.optsWithGlobals();
    if (adapter) process.env.GSAS_ADAPTER = adapter;
  });

addData(program);
addTrain(program);
addEvaluate(program);
addRecommend(program);
addServe(program);
addReport(program);
addWatch(program);
addRuns(program);
addConvert(program);
addParity(program);
addKernels(program);
addBench(program);
addTune(program);
addDoctor(program);
tab(program, { completionCommandName: 'completion' }); // last: it looks at the commands before it

/** One line for a person; the stack, and a shader's numbered source, only with --verbose. */
function fail(error: unknown): never {
  // Commander has printed its own message; --help and --version come here too.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  const known = error instanceof GsasError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`error: ${printable(known ? message : message.split('\n')[0])}\n`);
  if (program.opts().verbose) {
    if (error instanceof ShaderError) process.stderr.write(`${error.report}\n`);
    if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
  process.exit(known ? error.exitCode : 1);
}

process.on('uncaughtException', fail);
// The reader of our output has seen enough (`gsas-wgpu ... | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit(0) : fail(error)));

if (process.argv.length === 2) program.outputHelp();
else await program.parseAsync().catch(fail);
