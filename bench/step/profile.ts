import type { KernelTime } from '../../src/engine/profiler.js';
import { median } from '../common/statistics.js';

/** GPU milliseconds of one turn of ours, medians over turns. */
export interface Profile {
  /** Longest first, as the kernels. */
  phases: { phase: string; milliseconds: number }[];
  kernels: KernelTime[];
  milliseconds: number;
}

/** @param turns what the profiler took in each */
export function profileOf(turns: readonly (readonly KernelTime[])[]): Profile {
  const sum = (times: readonly KernelTime[]) => times.reduce((total, { milliseconds }) => total + milliseconds, 0);
  const middle = (belongs: (time: KernelTime) => boolean) => median(turns.map((times) => sum(times.filter(belongs))));
  const [first] = turns;
  const kernels = first!.map(({ phase, name, launches }) => ({
    phase,
    name,
    launches,
    milliseconds: middle((time) => time.phase === phase && time.name === name),
  }));
  const phases = [...new Set(first!.map(({ phase }) => phase))].map((phase) => ({
    phase,
    milliseconds: middle((time) => time.phase === phase),
  }));
  const longest = (a: { milliseconds: number }, b: { milliseconds: number }) => b.milliseconds - a.milliseconds;
  return {
    phases: phases.sort(longest),
    kernels: kernels.sort(longest),
    milliseconds: median(turns.map(sum)),
  };
}
