import type { UpdateRule } from '../rule.js';
import { adam } from './adam.js';
import { sgd } from './sgd.js';

/** Every update rule there is: the kernels' specs, the configuration and the checkpoints walk this list and no other. */
export const RULES: Readonly<Record<string, UpdateRule>> = Object.fromEntries(
  [adam, sgd].map((rule) => [rule.name, rule]),
);
