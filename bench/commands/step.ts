import type { Command } from 'commander';
import { addRaceFlags, type RaceFlags } from '../step/flags.js';
import { runRace } from '../step/run.js';
import { LENGTHS, SHAPE_KEYS, type ShapeKey, stepText } from '../step/shapes.js';

export function addStep(program: Command): void {
  const command = program
    .command('step')
    .description(
      'one training step (batch, forward, loss, backward, Adam); implementations take turns on the same batches',
    );
  const shapeOf = addRaceFlags(command, Object.keys(SHAPE_KEYS) as ShapeKey[], 'steps');
  command.action((flags: RaceFlags) => {
    const shape = shapeOf(flags);
    return runRace(flags, {
      bench: 'step',
      question: 'step',
      shape,
      text: stepText(flags.shape, shape),
      lengths: LENGTHS[flags.shape],
      rows: shape.batch_size * (flags.warmup + flags.repeat),
      positions: (rows) => mean(rows.slice(shape.batch_size * flags.warmup).map(inputs)) * shape.batch_size,
    });
  });
}

const inputs = (row: readonly number[]) => row.length - 1;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
