import type { Compiled, Family } from './radv.js';

/** The most that a kernel which does not fit yet may take, and where that is being worked on. */
interface Known {
  issue: string;
  spilled: number;
  scratch: number;
  waves: number;
}

/** The least waves that a SIMD unit is to hold, of all kernels and of those that are worth fewer; and kernels that do not fit yet. */
export interface Budget {
  waves: number;
  fewer: Readonly<Record<string, number>>;
  known: Readonly<Record<string, Known>>;
}

/**
 * A kernel needs enough subgroups on a SIMD unit that others run while one waits for memory. As RADV counts them, there are at most 32 of 32
 * lanes on RDNA 3 and 8 of 64 on GCN. A kernel of many registers does more between two waits, so that fewer will do.
 */
export const BUDGETS: Readonly<Record<Family, Budget>> = {
  navi31: { waves: 8, fewer: {}, known: {} },
  polaris10: {
    waves: 4,
    fewer: {
      matmul: 3,
      'attention.tiled.forward': 2,
      'attention.tiled.backward_query': 2,
      'attention.tiled.backward_key': 2,
    },
    known: {},
  },
};

/** Whether memory stands in for registers. */
const spills = ({ spilled, scratch }: Compiled) => spilled > 0 || scratch > 0;

/** What a compilation does that its budget does not allow, a line each, and known faults that the budget lists. */
export function judge(
  shaders: readonly Compiled[],
  { waves, fewer, known }: Budget,
): { over: string[]; expected: string[] } {
  const over: string[] = [];
  const expected: string[] = [];
  const wrong = new Set<string>();
  for (const shader of shaders) {
    const { kernel, model } = shader;
    const least = fewer[kernel] ?? waves;
    if (!spills(shader) && shader.waves >= least) continue;
    wrong.add(kernel);
    const found = `${kernel} (${model}): ${shader.registers} registers, ${shader.spilled} spilled, ${shader.scratch} bytes of scratch, ${shader.waves} waves of ${least}`;
    const limit = known[kernel];
    const within =
      limit && shader.spilled <= limit.spilled && shader.scratch <= limit.scratch && shader.waves >= limit.waves;
    if (within) expected.push(`${found}; ${limit.issue}`);
    else over.push(found);
  }
  for (const kernel of Object.keys(known)) {
    if (!wrong.has(kernel)) over.push(`${kernel} fits by now: take it off the known ones in bench/registers/budget.ts`);
  }
  return { over, expected };
}
