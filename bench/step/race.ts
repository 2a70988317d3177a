import { setTimeout as pause } from 'node:timers/promises';
import { GsasError } from '../../src/base/errors.js';
import { clock } from '../common/clock.js';
import { median } from '../common/statistics.js';
import type { Implementation, ImplementationName } from './implementations.js';
import type { Question, Ready, Reply } from './protocol.js';

/** What one implementation did in its turns. */
export interface Turns<Name extends string = ImplementationName> {
  name: Name;
  about: Ready;
  /** Milliseconds of each turn. */
  times: number[];
  last: Reply;
}

/** An implementation that cannot do the work here: not installed, out of memory, a binding too large, a wrong result. */
export interface Failure<Name extends string = ImplementationName> {
  name: Name;
  reason: string;
}

export interface RaceOptions {
  question: Question;
  /** How many turns each takes before the timed ones. */
  warmup: number;
  rounds: number;
  /** Before the first turn. @throws GsasError for an implementation whose results are wrong */
  check?: (implementation: Implementation) => Promise<void>;
}

/** The pause between turns, so that threads that spin after their work have stopped. */
const PAUSE = 50; // milliseconds

/**
 * Lets implementations take turns on the same rows, each in a process of its own, so that other load on the machine affects them all. One that fails takes
 * no further turn, and none of its times counts.
 * @param start of the implementation of that name, see Implementation.start
 * @returns in the order of `names`
 */
export async function race<Name extends string>(
  names: readonly Name[],
  start: (name: Name) => Promise<Implementation>,
  { question, warmup, rounds, check }: RaceOptions,
): Promise<(Turns<Name> | Failure<Name>)[]> {
  const results = new Map<Name, Turns<Name> | Failure<Name>>();
  const running = new Map<Implementation, Turns<Name>>();
  const attempt = async (name: Name, work: () => Promise<void>, implementation?: Implementation) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof GsasError)) throw error;
      results.set(name, { name, reason: error.message });
      if (implementation) running.delete(implementation);
      implementation?.stop();
    }
  };
  try {
    for (const name of names) {
      await attempt(name, async () => {
        const implementation = await start(name);
        const turns: Turns<Name> = { name, about: implementation.about!, times: [], last: { ms: 0, rss_mib: 0 } };
        running.set(implementation, turns);
        results.set(name, turns);
        if (check) await attempt(name, () => check(implementation), implementation);
      });
    }
    for (let round = -warmup; round < rounds; round++) {
      for (const [implementation, turns] of [...running]) {
        await pause(PAUSE);
        await attempt(
          turns.name,
          async () => {
            const milliseconds = await clock(async () => {
              turns.last = await implementation.ask(question);
            });
            const { loss } = turns.last;
            if (loss !== undefined && !(loss > 0)) throw new GsasError(`its loss is ${loss}`); // lack of memory may show as zeros
            if (round >= 0) turns.times.push(milliseconds);
          },
          implementation,
        );
      }
    }
  } finally {
    for (const implementation of running.keys()) implementation.stop();
  }
  return names.map((name) => results.get(name)!);
}

/** How many times longer `other` took than `ours`, as the median over the rounds: neighbours in time met the same machine. */
export function ratio(other: Pick<Turns, 'times'>, ours: Pick<Turns, 'times'>): number {
  return median(other.times.map((time, round) => time / ours.times[round]));
}
