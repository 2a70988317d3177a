/**
 * Multiply-adds of a submit: about half a second of a slow integrated GPU, and milliseconds of a large one. A system resets a GPU that does not come
 * to the end of a submit within some seconds (2 in Windows). Products and scores are counted, which are most of a step's work; one launch of
 * anything else takes as long as a batch is large.
 */
export const MOST_WORK = 2.5e10;

/** A launch that does a share of the work. */
export interface Share {
  /** The number of its first workgroup. */
  readonly first: number;
  readonly count: number;
  /** Multiply-adds. */
  readonly work: number;
}

/** Splits workgroups of so many multiply-adds each into launches that do no more than `most`. One that is split fits a single dimension of a grid. */
export function sharesOf(count: number, each: number, { most, grid }: { most: number; grid: number }): Share[] {
  const all = count * each <= most;
  const share = all ? count : Math.max(1, Math.min(grid, Math.floor(most / each)));
  return Array.from({ length: Math.ceil(count / share) }, (_, i) => {
    const first = i * share;
    const here = Math.min(share, count - first);
    return { first, count: here, work: here * each };
  });
}
