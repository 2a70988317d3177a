import { optionsOf } from '../../../base/options.js';
import type { UpdateRule } from '../rule.js';
import { adam } from './adam.js';
import { sgd } from './sgd.js';

const ALL = [adam, sgd] as const;

/** Every update rule there is: the kernels' specs, the configuration and the checkpoints walk this list and no other. */
export const RULES: Readonly<Record<string, UpdateRule>> = Object.fromEntries(ALL.map((rule) => [rule.name, rule]));

/** The options of all rules, by key. */
export const RULE_OPTIONS = optionsOf(ALL);
