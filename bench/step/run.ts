import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GsasError } from '../../src/base/errors.js';
import { openAdapter } from '../../src/node/adapter.js';
import { saveResults } from '../common/results.js';
import { settingOf, settingText } from '../common/setting.js';
import type { RaceFlags } from './flags.js';
import { Implementation } from './implementations.js';
import { type Profile, profileOf } from './profile.js';
import type { Question } from './protocol.js';
import { type RaceOptions, race } from './race.js';
import { failureOf, isTimed, reportText, rowOf } from './report.js';
import { drawRows } from './rows.js';
import { type StepShape, shapeFlags } from './shapes.js';

/** A bench in which implementations take turns on the same rows. */
export interface RaceBench {
  bench: 'step' | 'eval';
  question: Question;
  shape: StepShape;
  /** The shape in a few words, which names the measurement. */
  text: string;
  /** The lengths of rows, and how many there are. */
  lengths: readonly number[];
  rows: number;
  /** Positions of one turn that are no padding. */
  positions: (rows: readonly number[][]) => number;
  /** Called once with a folder for files: flags beside the shape's, and what checks an implementation before it is timed. */
  prepare?: (
    folder: string,
    rows: readonly number[][],
  ) => { flags: readonly string[]; check: NonNullable<RaceOptions['check']> };
}

/** Draws the rows, lets the implementations race and prints one line, or one JSON object, for each. */
export async function runRace(flags: RaceFlags, bench: RaceBench): Promise<void> {
  const setting = settingOf(await openAdapter());
  const rows = drawRows(bench.lengths, bench.rows, bench.shape.items, bench.shape.sequence_length);
  const folder = mkdtempSync(join(tmpdir(), 'gsas-bench-'));
  try {
    const file = join(folder, 'rows.jsonl');
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const { flags: more = [], check } = bench.prepare?.(folder, rows) ?? {};
    const common = [...shapeFlags(bench.shape), '--rows', file, ...more];
    if (!flags.json) console.log(`${settingText(setting)}\n${bench.text}`);
    const { question, text } = bench;
    const entries = await race(flags.impl, (name) => Implementation.start(name, common), {
      question,
      warmup: flags.warmup,
      rounds: flags.repeat,
      ...(check && { check }),
    });
    const turns = entries.filter(isTimed);
    const wanted = flags.profile || (flags.json && turns.some(({ name }) => name === 'gsas'));
    const profile = wanted ? await profileOurs(common, question, flags.warmup, flags.repeat) : undefined;
    const positions = bench.positions(rows);
    const measured = turns.map((turn) =>
      rowOf(turn, turns[0], { bench: bench.bench, shape: text, positions, profile }),
    );
    const failed = entries.flatMap((entry) => (isTimed(entry) ? [] : [failureOf(entry, bench.bench, text)]));
    if (flags.json) for (const row of [...measured, ...failed]) console.log(JSON.stringify({ ...row, ...setting }));
    else console.log(reportText(measured, failed, profile));
    if (turns.length === 0) throw new GsasError('no implementation could be timed, see above');
    if (flags.save) console.error(`kept in ${saveResults(setting, measured)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Our GPU time, in separate turns: timestamps split what is otherwise one pass. */
async function profileOurs(
  flags: readonly string[],
  question: Question,
  warmup: number,
  rounds: number,
): Promise<Profile> {
  const implementation = await Implementation.start('gsas', [...flags, '--profile']);
  const turns = [];
  for (let round = -warmup; round < rounds; round++) {
    const { kernels } = await implementation.ask(question);
    if (round >= 0) turns.push(kernels!);
  }
  implementation.stop();
  return profileOf(turns);
}
