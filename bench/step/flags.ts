import { type Command, Option } from 'commander';
import { addShapeOptions, parseCount, parseNames } from '../common/options.js';
import { IMPLEMENTATIONS, type ImplementationName } from './implementations.js';
import { SHAPES, type ShapeKey, type ShapeName, type StepShape } from './shapes.js';

/** What every bench of whole implementations takes. */
export interface RaceFlags extends Record<string, unknown> {
  shape: ShapeName;
  impl: ImplementationName[];
  repeat: number;
  warmup: number;
  profile?: true;
  json?: true;
  save?: true;
}

/**
 * Adds --shape, a flag for each of `keys` to override it with, and what every race takes.
 * @param work what is repeated: steps, evaluations
 * @returns how to read the shape off the parsed flags
 */
export function addRaceFlags(command: Command, keys: ShapeKey[], work: string): (flags: RaceFlags) => StepShape {
  command
    .addOption(
      new Option(
        '--shape <name>',
        'catalogue, window and lengths of rows; for the numbers below it has the defaults in brackets',
      )
        .choices(Object.keys(SHAPES))
        .default('ml1m'),
    )
    .option(
      '--impl <names>',
      `some of ${Object.keys(IMPLEMENTATIONS).join(',')}`,
      parseNames(Object.keys(IMPLEMENTATIONS)),
      ['gsas'],
    )
    .option('--repeat <rounds>', `timed ${work} of each`, parseCount, 5)
    .option('--warmup <rounds>', `${work} of each before`, parseCount, 1)
    .option('--profile', `GPU time of our phases and kernels as well, in ${work} of their own`)
    .option('--json', 'one JSON object a line')
    .option('--save', 'keep the times in bench/results/ADAPTER.json');
  const given = addShapeOptions(command, Object.values(SHAPES), keys);
  return (flags) => ({ ...SHAPES[flags.shape], ...given(flags) });
}
