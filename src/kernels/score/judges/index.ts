import { optionsOf } from '../../../base/options.js';
import type { Judge } from '../judge.js';
import { gbce } from './gbce.js';
import { softmax } from './softmax.js';

const ALL = [gbce, softmax] as const;

/** Every judge there is: kernels' specs, the configuration, help and docs walk this list and no other. */
export const JUDGES: Readonly<Record<string, Judge>> = Object.fromEntries(ALL.map((judge) => [judge.name, judge]));

/** The options of all judges, by key. */
export const JUDGE_OPTIONS = optionsOf(ALL);
