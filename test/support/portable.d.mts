import type { Gpu, GpuOptions, Recommendation } from '../../src/browser.js';

type Library = typeof import('../../src/browser.js') &
  typeof import('../../src/data/batches.js') &
  typeof import('../../src/train/config.js');

export interface CaseResults {
  adapter: string;
  /** Lanes of its subgroups, 0 where kernels do without. */
  subgroupSize: number;
  /** By operation and number: how many results were compared, and those that are wrong. */
  cases: Record<string, { compared: number; wrong: string[] }>;
}

export interface TrainingResults {
  /** After each of 20 steps. */
  losses: number[];
  /** Five items after a history, best first. */
  top: Recommendation[];
}

export function runCases(library: Library, options?: GpuOptions): Promise<CaseResults>;

/** @param gpu the host's own if left out */
export function runTraining(library: Library, gpu?: Gpu): Promise<TrainingResults>;

export interface StepResults {
  /** Of each step. */
  losses: number[];
  /** After the last step: each parameter's name and numbers. */
  weights: [string, number[]][];
}

/** @param gpu the host's own if left out */
export function runSteps(library: Library, optimizer: string, gpu?: Gpu): Promise<StepResults>;
