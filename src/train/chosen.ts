import { InputError } from '../base/errors.js';
import type { Judge } from '../kernels/score/judge.js';
import { JUDGES } from '../kernels/score/judges/index.js';
import type { LogQ } from '../kernels/score/log-q.js';
import { NEGATIVES, negativesFor, refusal } from '../kernels/score/negatives/index.js';
import type { Negatives } from '../kernels/score/negatives/negatives.js';
import { AUTO } from './choices.js';

/** The judge and the negatives that a configuration names. */
export function chosenIn({ loss, negatives }: { loss: string; negatives: string }): {
  judge: Judge;
  negatives: Negatives;
} {
  const judge = JUDGES[loss];
  return { judge, negatives: NEGATIVES[negatives === AUTO ? negativesFor(judge).name : negatives] };
}

/** @throws InputError for negatives that the loss or the catalogue does not go with */
export function checkNegatives(config: { loss: string; negatives: string; num_items: number }, source: string): void {
  const { judge, negatives } = chosenIn(config);
  const reason = refusal(judge, negatives);
  if (reason) {
    throw new InputError(
      `${source}: the loss ${judge.name} does not go with the negatives ${negatives.name}: ${reason}; choose another loss or other negatives`,
    );
  }
  negatives.check?.(config, config.num_items, source);
}

/** Some corrections of scores make no sense for some losses and some negatives, which say why. @throws InputError for those */
export function checkLogQ(config: { loss: string; negatives: string; log_q: LogQ }, source: string): void {
  const { log_q: logQ } = config;
  if (logQ === 'none') return;
  const { judge, negatives } = chosenIn(config);
  for (const [what, corrections] of [
    [`the loss ${judge.name}`, judge.logQ],
    [`the negatives ${negatives.name}`, negatives.corrections],
  ] as const) {
    const reason = corrections?.[logQ];
    if (!corrections || typeof reason !== 'string') continue;
    const fitting = Object.entries(corrections).flatMap(([name, fits]) => (fits === true ? [name] : []));
    throw new InputError(
      `${source}: log_q ${logQ} does not go with ${what}: ${reason}; set log_q to ${[...fitting, 'none'].join(' or ')}`,
    );
  }
}
