import { join } from 'node:path';
import type { Command } from 'commander';
import { parseCount } from '../common/options.js';
import { RankingCheck } from '../eval/reference.js';
import { addRaceFlags, type RaceFlags } from '../step/flags.js';
import type { Implementation } from '../step/implementations.js';
import { TOP } from '../step/protocol.js';
import { runRace } from '../step/run.js';
import { LENGTHS, type ShapeKey, type StepShape } from '../step/shapes.js';
import { modelOf, weightsOf, writeWeights } from '../step/weights.js';

const KEYS: ShapeKey[] = ['items', 'sequence_length', 'embedding_dim', 'blocks', 'heads'];
/** How many users' rankings are compared with float64 before anything is timed. */
const CHECKED = 16;

interface EvalFlags extends RaceFlags {
  users: number;
  filter: boolean;
}

export function addEval(program: Command): void {
  const command = program
    .command('eval')
    .description(
      `rank metrics and the best ${TOP} of the whole catalogue; rankings are compared with float64, then implementations take turns on the same users and weights`,
    );
  const shapeOf = addRaceFlags(command, KEYS, 'evaluations');
  command
    .option('--users <number>', 'how many to rank for', parseCount, 512)
    .option('--no-filter', 'leave the items of the history in the ranking');
  command.action((flags: EvalFlags) => {
    const shape = shapeOf(flags);
    return runRace(flags, {
      bench: 'eval',
      question: 'eval',
      shape,
      text: evalText(flags, shape),
      lengths: LENGTHS[flags.shape],
      rows: flags.users,
      positions: (rows) => rows.reduce((sum, row) => sum + row.length - 1, 0),
      prepare: (folder, rows) => prepare(folder, rows, shape, flags.filter),
    });
  });
}

/** Weights for all implementations, and the check that their rankings match float64. */
function prepare(folder: string, rows: readonly number[][], shape: StepShape, filter: boolean) {
  const file = join(folder, 'weights.safetensors');
  const weights = weightsOf(shape, '');
  writeWeights(file, weights);
  const reference = new RankingCheck(modelOf(shape), weights, rows.slice(0, CHECKED), filter);
  return {
    flags: ['--weights', file, ...(filter ? [] : ['--no-filter'])],
    check: async (implementation: Implementation) => {
      const { ranking } = await implementation.ask('ranks');
      reference.check(implementation.name, ranking!);
    },
  };
}

function evalText({ shape: name, users, filter }: EvalFlags, shape: StepShape): string {
  const { items, sequence_length, embedding_dim, blocks, heads } = shape;
  return `${name} users=${users} S=${sequence_length} D=${embedding_dim} N=${items} blocks=${blocks} H=${heads} seen items ${filter ? 'filtered' : 'ranked'}`;
}
