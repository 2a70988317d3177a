import { newProgram, runProgram } from '../src/cli/program.js';
import { addCompare } from './commands/compare.js';
import { addEval } from './commands/eval.js';
import { addGpu } from './commands/gpu.js';
import { addKernels } from './commands/kernels.js';
import { addLosses } from './commands/losses.js';
import { addRegisters } from './commands/registers.js';
import { addReport } from './commands/report.js';
import { addScale } from './commands/scale.js';
import { addServe } from './commands/serve.js';
import { addStartup } from './commands/startup.js';
import { addStep } from './commands/step.js';
import { watchNeighbours } from './common/neighbours.js';
import { loadWarning } from './common/setting.js';

/** Commands that time nothing. */
const TIMELESS = ['compare', 'registers', 'report'];

let neighbours: ReturnType<typeof watchNeighbours> | undefined;

const program = newProgram('bench', 'measures gsas-wgpu on this machine')
  .hook('preAction', (_, command) => {
    if (TIMELESS.includes(command.name())) return;
    warn(loadWarning());
    neighbours = watchNeighbours();
  })
  .hook('postAction', () => warn(neighbours?.()));

function warn(warning: string | undefined): void {
  if (warning) console.error(`warning: ${warning}`);
}

addKernels(program);
addStep(program);
addEval(program);
addLosses(program);
addStartup(program);
addScale(program);
addServe(program);
addCompare(program);
addRegisters(program);
addReport(program);
addGpu(program);

await runProgram(program);
