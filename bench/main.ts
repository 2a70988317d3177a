import { Command, CommanderError } from 'commander';
import { GsasError } from '../src/base/errors.js';
import { addCompare } from './commands/compare.js';
import { addEval } from './commands/eval.js';
import { addGpu } from './commands/gpu.js';
import { addKernels } from './commands/kernels.js';
import { addReport } from './commands/report.js';
import { addScale } from './commands/scale.js';
import { addServe } from './commands/serve.js';
import { addStartup } from './commands/startup.js';
import { addStep } from './commands/step.js';
import { watchNeighbours } from './common/neighbours.js';

/** Commands that time nothing. */
const TIMELESS = ['compare', 'report'];

let neighbours: ReturnType<typeof watchNeighbours> | undefined;

const program = new Command('bench')
  .description('measures gsas-wgpu on this machine')
  .option('--adapter <name>', 'GPU adapter (default: $GSAS_ADAPTER, else the best)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .hook('preAction', (_, command) => {
    // All that opens an adapter reads this variable, the processes that are started here too.
    const { adapter } = command.optsWithGlobals();
    if (adapter) process.env.GSAS_ADAPTER = adapter;
    if (!TIMELESS.includes(command.name())) neighbours = watchNeighbours();
  })
  .hook('postAction', () => {
    const warning = neighbours?.();
    if (warning) console.error(`warning: ${warning}`);
  });

addKernels(program);
addStep(program);
addEval(program);
addStartup(program);
addScale(program);
addServe(program);
addCompare(program);
addReport(program);
addGpu(program);

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
