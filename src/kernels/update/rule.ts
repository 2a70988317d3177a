import type { NumericChoice, Settings } from '../../base/options.js';

/**
 * How a parameter is updated by its gradient. A rule says what happens to one element. Which elements are updated, and where their gradient comes from, is
 * decided by `applyUpdate`: all, by rows, or only the rows that the gradient names.
 */
export interface UpdateRule extends NumericChoice {
  /** What it computes, with its source. */
  readonly formula: string;
  /** Names of tensors of the parameter's shape that it keeps between steps, all 0 before the first step. */
  readonly slots: readonly string[];
  /** Fields of `struct Params` that `wgsl` reads; `uniforms` gives their values. */
  readonly params: string;
  /**
   * WGSL: `fn update_cell(i: u32, g: Cell)`, which moves cell i of the bindings `param` and of the slots, all arrays of `Cell`, by its gradient g.
   */
  readonly wgsl: string;
  /** @param step counts from 1 */
  uniforms(settings: Settings, step: number): Record<string, number>;
  /** The same in float64 loops. @returns the parameter and the slots after the step, by name */
  reference(state: RuleState, settings: Settings, step: number): RuleState;
  /** Floating-point operations per element. */
  readonly flops: number;
}

/** The learning rate, which every rule has. */
export const LR = { type: 'number', default: 1e-3, above: 0, max: 100, help: 'learning rate' } as const;

/** A parameter, its gradient and the rule's slots by name, elements in the same order. */
export type RuleState = Record<string, Float64Array>;

/** A rule with its settings at one step. */
export interface Step {
  readonly rule: UpdateRule;
  /** Those left out have the rule's defaults. */
  readonly settings?: Settings;
  /** Counts from 1. */
  readonly step: number;
}
