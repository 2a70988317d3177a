import { optionsOf } from '../../../base/options.js';
import type { Judge } from '../judge.js';
import { bpr } from './bpr.js';
import { bprMax } from './bpr_max.js';
import { bce, gbce } from './gbce.js';
import { ce, ssm } from './ssm.js';
import { top1Max } from './top1_max.js';

const ALL = [gbce, bce, ssm, ce, bpr, bprMax, top1Max] as const;

/** Every judge there is: kernels' specs, the configuration, help and docs walk this list and no other. */
export const JUDGES: Readonly<Record<string, Judge>> = Object.fromEntries(ALL.map((judge) => [judge.name, judge]));

/** The options of all judges, by key. */
export const JUDGE_OPTIONS = optionsOf(ALL);
