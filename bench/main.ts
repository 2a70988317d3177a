import { Command, CommanderError } from 'commander';
import { GsasError } from '../src/engine/errors.js';
import { addCompare } from './commands/compare.js';
import { addKernels } from './commands/kernels.js';
import { addStep } from './commands/step.js';

const program = new Command('bench')
  .description('measures gsas-wgpu on this machine')
  .option('--adapter <name>', 'GPU adapter (default: $GSAS_ADAPTER, else the best)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  // All that opens an adapter reads this variable, the processes that are started here too.
  .hook('preAction', (_, command) => {
    const { adapter } = command.optsWithGlobals();
    if (adapter) process.env.GSAS_ADAPTER = adapter;
  });

addKernels(program);
addStep(program);
addCompare(program);

/** One line for a person, but the whole stack of an error that is a bug. */
function fail(error: unknown): never {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  const known = error instanceof GsasError;
  console.error(known ? `error: ${error.message}` : error);
  process.exit(known ? error.exitCode : 1);
}

process.on('uncaughtException', fail);
// The reader of our output has seen enough (`npm run bench -- kernels | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit(0) : fail(error)));

if (process.argv.length === 2) program.outputHelp();
else await program.parseAsync().catch(fail);
