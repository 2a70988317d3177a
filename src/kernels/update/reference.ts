import { type Settings, settingsOf } from '../../base/options.js';
import type { RuleState, UpdateRule } from './rule.js';

/**
 * A rule on the rows that a gradient names, and on no other: a row that is not touched keeps its parameters and slots, while bias corrections count
 * all steps. With Adam that is what torch.optim.SparseAdam computes.
 * @param state the parameter, its gradient and the slots, all [R, D]
 * @param touched rows that the gradient names
 * @param settings the rule's defaults if left out
 */
export function lazyReference(
  rule: UpdateRule,
  state: RuleState,
  touched: ReadonlySet<number>,
  D: number,
  step: number,
  settings: Settings = settingsOf(rule),
): RuleState {
  const moved = rule.reference(state, settings, step);
  return Object.fromEntries(
    Object.entries(moved).map(([name, after]) => [
      name,
      after.map((value, i) => (touched.has(Math.floor(i / D)) ? value : state[name][i])),
    ]),
  );
}
