import type { Judge } from '../judge.js';
import { gbce } from './gbce.js';
import { softmax } from './softmax.js';

const ALL = [gbce, softmax] as const;

/** Every judge there is: kernels' specs, the configuration, help and docs walk this list and no other. */
export const JUDGES: Readonly<Record<string, Judge>> = Object.fromEntries(ALL.map((judge) => [judge.name, judge]));

type Both<Union> = (Union extends unknown ? (part: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** The options of all judges, by key. */
export const JUDGE_OPTIONS = Object.assign({}, ...ALL.map(({ options }) => options)) as Both<
  (typeof ALL)[number]['options']
>;
