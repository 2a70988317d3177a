import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DamagedFileError, InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { parameterShapes } from '../model/config.js';
import { LOOP_START, type LoopState, type OptimizerSlots, type ResumableCheckpoint } from '../train/checkpoint.js';
import type { TrainConfig } from '../train/config.js';
import {
  checkFormat,
  checkTensors,
  FORMAT,
  floatTensors,
  loadCheckpoint,
  parseCount,
  parseField,
  parseNumbers,
  parseWeights,
  saveWeights,
  weightsMetadata,
} from './checkpoint.js';
import { moveFile } from './files.js';
import { readMetadata, readSafetensors, type TensorFile, writeSafetensors } from './safetensors.js';

const BEST = 'best.safetensors';
const LAST = 'last.safetensors';
const PREVIOUS = 'previous.safetensors';
const OPTIMIZER = /^last\.optimizer-\d+\.safetensors$/;

/** Files that killed processes may leave in a run, see writeWhole. */
const LEFT_OVER =
  /^((best|last|previous|diverged|last\.optimizer-\d+)\.safetensors|(config|run|environment|analysis)\.json|(metrics|steps)\.jsonl|events\.out\.tfevents\..*|items\.csv|(report|comparison)\.html|run\.lock\.\d+)\.tmp$/;

/** The file in a run's folder that a resumed run would continue from; undefined if there is none. */
export function resumableFile(run: string): string | undefined {
  return [LAST, PREVIOUS].find((name) => existsSync(join(run, name)));
}

/**
 * Writes last.safetensors with the optimizer's state beside it, and then best.safetensors if these weights are the best. The former last checkpoint stays
 * as previous.safetensors.
 *
 * A kill at any moment leaves a folder to resume from. The optimizer's file has the step in its name and exists before last.safetensors, which names it,
 * changes in one rename. Files that nothing names any more are removed at the end. If best.safetensors is not there yet, last.safetensors says that it
 * is the best, and a resumed run writes it again.
 */
export function saveCheckpoint(run: string, checkpoint: ResumableCheckpoint, isBest: boolean): void {
  const { step, slots } = checkpoint;
  // Time aside, the same training gives the same last.safetensors; a mixture of both files of one step differs in its time alone.
  const { seconds, ...loop } = checkpoint.loop;
  const [last, previous] = [join(run, LAST), join(run, PREVIOUS)];
  const optimizer = `last.optimizer-${step}.safetensors`;
  const state = Object.entries(slots).flatMap(([slot, values]) => [...floatTensors(`${slot}/`, values)]);
  writeSafetensors(join(run, optimizer), new Map(state), {
    format: String(FORMAT),
    step: String(step),
    seconds: JSON.stringify(seconds),
  });
  const metadata = { ...weightsMetadata(checkpoint), optimizer, loop: JSON.stringify(loop) };
  // A checkpoint that is saved again, such as by a resumed run at its limit, must not push out the one before it.
  const keep = metadataOf(last)?.step === String(step) ? undefined : previous;
  writeSafetensors(last, floatTensors('', checkpoint.weights), metadata, keep);
  if (isBest) saveWeights(join(run, BEST), checkpoint);
  const named = [optimizer, metadataOf(previous)?.optimizer];
  for (const name of readdirSync(run)) {
    if (OPTIMIZER.test(name) && !named.includes(name)) rmSync(join(run, name), { force: true });
  }
}

/** What a run can continue from, even if a process was killed or a file is damaged. */
export interface Recovery {
  readonly checkpoint: ResumableCheckpoint;
  /** What is damaged or lost, and what happens instead; empty if all is well. */
  readonly faults: readonly string[];
  /** Puts the folder in order. @throws InputError if another process has changed it since */
  apply(): void;
}

/** The checkpoint that a resumed run continues from. Throws like `recover`. */
export function loadResumable(run: string): ResumableCheckpoint {
  return recover(run).checkpoint;
}

/**
 * Finds what a run can continue from and changes nothing: the last checkpoint, or the one before it if that is damaged.
 * @throws InputError if there is nothing to resume, DamagedFileError if no checkpoint is intact
 */
export function recover(run: string): Recovery {
  const before = stamp(run);
  const faults: string[] = [];
  for (const name of [LAST, PREVIOUS]) {
    const file = join(run, name);
    if (!existsSync(file)) continue;
    try {
      const found = readResumable(run, file);
      if (name === PREVIOUS) {
        if (faults.length === 0) faults.push(`${join(run, LAST)}: is missing, as after a kill in the middle of a save`);
        faults.push(`${run}: goes on from ${name}, of step ${found.step}`);
      }
      const best = recoverBest(run, found);
      const apply = () => {
        if (stamp(run) !== before)
          throw new InputError(`${run}: another process has trained this run meanwhile; run the command again`);
        if (name === PREVIOUS) moveFile(file, join(run, LAST));
        best.apply();
        sweep(run);
      };
      return { checkpoint: best.checkpoint, faults: [...faults, ...best.faults], apply };
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      faults.push(error.message);
    }
  }
  if (faults.length > 0) {
    throw new DamagedFileError(`${faults.join('; ')}; no whole checkpoint is left: start another run with --out`);
  }
  const way = existsSync(join(run, BEST))
    ? `start another run from its ${BEST}, with --init-from`
    : 'leave out --resume to start a run here';
  throw new InputError(`${run}: nothing to resume, there is no ${LAST}; ${way}`);
}

/** Removes files that killed processes left half written. */
export function sweep(run: string): void {
  for (const name of readdirSync(run)) if (LEFT_OVER.test(name)) rmSync(join(run, name), { force: true });
}

/**
 * The best weights may be missing or outdated: they are written after the last checkpoint, and a kill may come in between. If the last weights are the
 * best, they are written again. If the best ones are lost, the next validation counts as the best.
 */
function recoverBest(run: string, checkpoint: ResumableCheckpoint): Recovery {
  const file = join(run, BEST);
  const { loop, step } = checkpoint;
  const found = bestStep(file);
  const isBest = step > 0 && loop.batch === 0 && loop.epochs_without_improvement === 0;
  if (isBest) {
    const stale = found.step === undefined || found.step < step;
    const faults = found.fault ? [`${found.fault}; it is written anew from step ${step}, the best one`] : [];
    return { checkpoint, faults, apply: () => stale && saveWeights(file, checkpoint) };
  }
  const isKept = found.step !== undefined || (found.fault === undefined && loop.best_metric === undefined);
  if (isKept) return { checkpoint, faults: [], apply: () => {} };
  const { best_metric: _, ...rest } = loop;
  const fault = `${found.fault ?? `${file}: is missing`}; the best weights are lost, the next validation counts as the best`;
  return {
    checkpoint: { ...checkpoint, loop: { ...rest, epochs_without_improvement: 0 } },
    faults: [fault],
    apply: () => existsSync(file) && moveFile(file, join(run, 'best.damaged.safetensors')),
  };
}

/** The step of the best weights, or what is wrong with them; neither if they are missing. */
function bestStep(file: string): { step?: number; fault?: string } {
  if (!existsSync(file)) return {};
  try {
    return { step: loadCheckpoint(file).step };
  } catch (error) {
    if (error instanceof DamagedFileError) return { fault: error.message };
    throw error;
  }
}

function readResumable(run: string, file: string): ResumableCheckpoint {
  const { checkpoint, content } = parseWeights(file);
  const name = content.metadata.optimizer ?? '';
  if (!OPTIMIZER.test(name)) {
    throw new InputError(
      `${file}: names no optimizer state, so it cannot be resumed; use a run's own last.safetensors`,
    );
  }
  const optimizer = join(run, name);
  if (!existsSync(optimizer)) throw new DamagedFileError(`${optimizer}: is missing, and ${file} needs it`);
  const state = readSafetensors(optimizer);
  checkFormat(state, optimizer);
  const step = parseCount(state, 'step', optimizer);
  if (step !== checkpoint.step) {
    throw new DamagedFileError(`${optimizer}: is of step ${step}, but ${file} is of step ${checkpoint.step}`);
  }
  return {
    ...checkpoint,
    slots: parseSlots(state, checkpoint.config, optimizer),
    loop: { ...LOOP_START, ...parseLoop(content, file, state, optimizer) },
  };
}

/** The loop's state. In format 1 the optimizer's file holds all of it. */
function parseLoop(content: TensorFile, file: string, state: TensorFile, optimizer: string): Partial<LoopState> {
  if (content.metadata.loop === undefined) return parseNumbers(state, 'loop', optimizer);
  const seconds = parseField(state, 'seconds', optimizer);
  if (typeof seconds === 'number') return { ...parseNumbers(content, 'loop', file), seconds };
  throw new InputError(`${optimizer}: its metadata has ${quoted(seconds)} as seconds; it must be a number`);
}

/** Each slot holds a tensor of each parameter's shape, named SLOT/PARAMETER. */
function parseSlots(state: TensorFile, config: TrainConfig, file: string): OptimizerSlots {
  const shapes = [...parameterShapes(config)];
  const names = [...new Set([...state.tensors.keys()].map((name) => name.split('/')[0]))];
  const expected = new Map(names.flatMap((slot) => shapes.map(([name, shape]) => [`${slot}/${name}`, shape])));
  const tensors = checkTensors(state, expected, file);
  const slotOf = (slot: string) => new Map(shapes.map(([name]) => [name, tensors.get(`${slot}/${name}`)!]));
  return Object.fromEntries(names.map((slot) => [slot, slotOf(slot)]));
}

/** The metadata of a checkpoint file; undefined if it is missing or damaged. */
function metadataOf(file: string): Record<string, string> | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return readMetadata(file);
  } catch (error) {
    if (error instanceof DamagedFileError) return undefined;
    throw error;
  }
}

/** Changes whenever a checkpoint is saved. */
function stamp(run: string): string {
  const files = [LAST, PREVIOUS, BEST].map((name) => statSync(join(run, name), { throwIfNoEntry: false }));
  return files.map((file) => (file ? `${file.ino} ${file.mtimeMs} ${file.size}` : 'none')).join(', ');
}
