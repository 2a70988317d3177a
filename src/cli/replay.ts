import type { Command } from 'commander';
import { GsasError } from '../base/errors.js';
import { openGpu } from '../node/gpu.js';
import { loadReplay } from '../store/replay.js';
import { describeDivergence, replayStep } from '../train/divergence.js';

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description(
      'take the step again at which a run ended because a number was NaN or infinite, and say which numbers are',
    )
    .argument('<file>', 'the file that the run wrote')
    .action(replay);
}

async function replay(file: string): Promise<void> {
  const step = loadReplay(file);
  const gpu = await openGpu();
  try {
    const divergence = await replayStep(gpu, step);
    const found = describeDivergence(step.step, divergence);
    if (!found) throw new GsasError(`${file}: every number of step ${step.step} is finite on this adapter`);
    console.log(`${found}:`);
    console.log(`  loss ${divergence.loss}`);
    for (const { name, value, at } of divergence.tensors) console.log(`  ${name}: ${value} as number ${at + 1}`);
  } finally {
    gpu.close();
  }
}
