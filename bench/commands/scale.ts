import type { Command } from 'commander';
import { GsasError } from '../../src/base/errors.js';
import { openAdapter } from '../../src/node/adapter.js';
import { addShapeOptions, parseCount, parseNames } from '../common/options.js';
import { saveResults } from '../common/results.js';
import { settingOf, settingText } from '../common/setting.js';
import { AXES, type AxisName, BASE, whyInstead } from '../scale/axes.js';
import { measureAxis, type ScaleRow } from '../scale/measure.js';
import { axisText } from '../scale/text.js';
import { type StepShape, stepText } from '../step/shapes.js';

interface Flags extends Record<string, unknown> {
  axis: AxisName[];
  repeat: number;
  json?: true;
  save?: true;
}

const NAMES = Object.keys(AXES) as AxisName[];

export function addScale(program: Command): void {
  const command = program
    .command('scale')
    .description('what a position of a training step costs as one number of its shape grows and the others stay')
    .option('--axis <names>', `some of ${NAMES}`, parseNames(NAMES), NAMES)
    .option('--repeat <rounds>', 'timed steps at each point', parseCount, 5)
    .option('--json', 'one JSON object a line')
    .option('--save', 'keep the times in bench/results/ADAPTER.json');
  const given = addShapeOptions(command, [BASE]);
  command.action((flags: Flags) => runScale(flags, given(flags)));
}

async function runScale({ axis: names, repeat, json, save }: Flags, given: Partial<StepShape>): Promise<void> {
  const setting = settingOf(await openAdapter());
  if (!json)
    console.log(`${settingText(setting)}
from ${stepText('rows that fill the window:', { ...BASE, ...given })}`);
  const rows: ScaleRow[] = [];
  for (const name of names) {
    const why = whyInstead(AXES[name], given);
    if (!json) console.log(`\n${name}${why ? `: ${why}` : ''}`);
    const measured = await measureAxis(name, given, repeat, (reason) => console.error(`left out: ${reason}`));
    if (json) for (const row of measured) console.log(JSON.stringify({ ...row, ...setting }));
    else if (measured.length > 0) console.log(axisText(name, measured));
    rows.push(...measured);
  }
  if (rows.length === 0) throw new GsasError('no point could be timed, see above');
  if (save) console.error(`kept in ${saveResults(setting, rows)}`);
}
