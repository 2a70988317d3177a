import { setTimeout as pause } from 'node:timers/promises';
import { GsasError } from '../../src/engine/errors.js';
import { clock } from '../common/clock.js';
import { median } from '../common/statistics.js';
import { Implementation, type ImplementationName } from './implementations.js';
import type { Ready, Reply } from './protocol.js';

/** What one implementation did in its turns. */
export interface Turns {
  name: ImplementationName;
  about: Ready;
  /** Milliseconds of each turn. */
  times: number[];
  last: Reply;
}

/** Between turns, so that threads which spin after their work have come to rest. */
const PAUSE = 50; // milliseconds

/**
 * Lets implementations take steps in turn on the same batches, each in a process of its own, so that whatever else the machine does
 * meets them all. One that cannot be started, or that fails, is reported to `leftOut` and left out.
 */
export async function race(
  names: readonly ImplementationName[],
  flags: readonly string[],
  rounds: number,
  leftOut: (reason: string) => void,
): Promise<Turns[]> {
  const running = new Map<Implementation, Turns>();
  const drop = (error: unknown) => {
    if (!(error instanceof GsasError)) throw error;
    leftOut(error.message);
  };
  try {
    for (const name of names) {
      const started = await Implementation.start(name, flags).catch(drop);
      if (started)
        running.set(started, { name, about: started.about!, times: [], last: { ms: 0, loss: 0, rss_mib: 0 } });
    }
    for (let round = 0; round < rounds; round++) {
      for (const [implementation, turns] of running) {
        await pause(PAUSE);
        try {
          const milliseconds = await clock(async () => {
            turns.last = await implementation.step();
          });
          turns.times.push(milliseconds);
        } catch (error) {
          running.delete(implementation);
          drop(error);
        }
      }
    }
  } finally {
    for (const implementation of running.keys()) implementation.stop();
  }
  return [...running.values()];
}

/** How many times longer `other` took than `ours`, as the median over the rounds: neighbours in time met the same machine. */
export function ratio(other: Turns, ours: Turns): number {
  return median(other.times.map((time, round) => time / ours.times[round]!));
}
