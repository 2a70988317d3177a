import type { HostRandom } from '../base/philox.js';
import { type Shape, sizeOf } from '../engine/tensor.js';
import type { Operand } from './op.js';

/** Standard normal inputs for an operation's cases, times `scale`. */
export function normals(random: HostRandom, shape: Shape, scale = 1): Operand<Float32Array> {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => scale * random.normal()) };
}

/** Squares of normal inputs: second moments, which are never negative. */
export function squares(random: HostRandom, shape: Shape, scale = 1): Operand<Float32Array> {
  const { data } = normals(random, shape, scale);
  return { shape, data: data.map((value) => value * value) };
}

/** Uniform integers low … high, both included. */
export function integers(random: HostRandom, shape: Shape, low: number, high: number): Operand<Uint32Array> {
  return { shape, data: Uint32Array.from({ length: sizeOf(shape) }, () => low + random.integer(high - low + 1)) };
}

/**
 * The spans of ragged rows: for each token the half-open range of the token indices of its sequence.
 * @param lengths tokens of each sequence
 * @returns [T, 2], T the sum of the lengths
 */
export function spansOf(lengths: readonly number[]): Operand<Uint32Array> {
  const data: number[] = [];
  let start = 0;
  for (const length of lengths) {
    for (let i = 0; i < length; i++) data.push(start, start + length);
    start += length;
  }
  return { shape: [start, 2], data: Uint32Array.from(data) };
}
