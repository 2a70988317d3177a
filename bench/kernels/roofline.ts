import type { Cost } from '../../src/kernels/op.js';

/** What an adapter attains in kernels that do nothing else. Rates are a second. */
export interface Roofline {
  /** Rates of kernels that move `bytes`: small amounts stay in caches, and are limited by the time of a launch. */
  memory: readonly { bytes: number; copy: number; gather: number }[];
  /** Floating-point operations; a fused multiply-add is two. */
  flops: number;
}

/** The best of measurements of the same points. */
export function highest(rooflines: readonly Roofline[]): Roofline {
  const best = (rate: (roofline: Roofline) => number) => Math.max(...rooflines.map(rate));
  return {
    memory: rooflines[0].memory.map(({ bytes }, i) => ({
      bytes,
      copy: best(({ memory }) => memory[i].copy),
      gather: best(({ memory }) => memory[i].gather),
    })),
    flops: best(({ flops }) => flops),
  };
}

/** Bytes a second that the faster of copying and gathering attains at the traffic nearest to `bytes`. */
export function bandwidth({ memory }: Roofline, bytes: number): number {
  const apart = (size: number) => Math.abs(Math.log(size / bytes));
  const nearest = memory.reduce((best, point) => (apart(point.bytes) < apart(best.bytes) ? point : best));
  return Math.max(nearest.copy, nearest.gather);
}

/**
 * How near an operation comes to what the adapter attains: the time that its bytes or its flops take at the roof, whichever is longer,
 * as a percentage of the time it took (Williams, Waterman, Patterson, "Roofline", 2009).
 */
export function rooflinePercent(
  roofline: Roofline,
  { bytes, flops }: Cost,
  milliseconds: number,
): { percent: number; bound: 'memory' | 'arithmetic' } {
  const memory = bytes > 0 ? bytes / bandwidth(roofline, bytes) : 0;
  const arithmetic = flops / roofline.flops;
  return {
    percent: (100_000 * Math.max(memory, arithmetic)) / milliseconds,
    bound: memory >= arithmetic ? 'memory' : 'arithmetic',
  };
}
