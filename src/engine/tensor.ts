import { GsasError, ShapeError } from '../base/errors.js';
import type { PooledBuffer } from './pool.js';

/** What an element is: 32-bit floating point, or a 32-bit unsigned integer. */
export type DType = 'f32' | 'u32';
/** The sizes of the axes, outermost first. */
export type Shape = readonly number[];
/** A tensor's elements in host memory, row-major. */
export type HostArray = Float32Array | Uint32Array;

/**
 * A handle on a row-major array on the GPU, four bytes an element. A stream makes handles and takes them back. Each counts as one holder of its
 * buffer, which returns to the pool when the last one is released. The buffer may be longer than the tensor; its rest is undefined.
 */
export class Tensor {
  #released = false;

  constructor(
    readonly buffer: PooledBuffer,
    readonly shape: Shape,
    readonly dtype: DType,
    /** A leaf (a parameter) whose gradient the tape keeps. */
    readonly requiresGrad: boolean,
    /** Where it begins in the buffer, in elements. */
    readonly offset = 0,
  ) {}

  /** Whether this handle was released and must not be used any more. */
  get released(): boolean {
    return this.#released;
  }

  /** Marks the handle as released; only the stream calls this. @throws GsasError if it was released before */
  end(): void {
    if (this.#released) throw new GsasError(`a tensor ${show(this.shape)} was released twice`);
    this.#released = true;
  }
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The tensors in a value: itself, or those in its properties or a map's values, at any depth. */
export function* tensorsIn(value: unknown): Generator<Tensor> {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Tensor) yield value;
  else for (const part of value instanceof Map ? value.values() : Object.values(value)) yield* tensorsIn(part);
}

function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Checks operands against named axes before anything is allocated: `checkShapes('linear', { x: [x, 'T', 'K'], w: [w, 'N', 'K'] })`.
 * A number in place of a name is an exact size. Returns the size of each axis.
 * @throws ShapeError naming both operands and the axis on which they disagree.
 */
export function checkShapes<Axis extends string>(
  op: string,
  operands: Record<string, readonly [{ readonly shape: Shape }, ...(Axis | number)[]]>,
): Record<Axis, number> {
  const sizes = {} as Record<Axis, number>;
  const owner = {} as Record<Axis, string>;
  for (const [name, [tensor, ...axes]] of Object.entries(operands)) {
    if (tensor.shape.length !== axes.length) {
      throw new ShapeError(`${op}: ${name} is ${show(tensor.shape)}, but must be [${axes.join(', ')}]`);
    }
    axes.forEach((axis, i) => {
      const size = tensor.shape[i];
      if (typeof axis === 'number') {
        if (size !== axis) throw new ShapeError(`${op}: axis ${i} of ${name} ${show(tensor.shape)} must be ${axis}`);
      } else if (sizes[axis] === undefined) {
        sizes[axis] = size;
        owner[axis] = `${name} ${show(tensor.shape)}`;
      } else if (sizes[axis] !== size) {
        throw new ShapeError(
          `${op}: axis ${axis} is ${sizes[axis]} in ${owner[axis]} but ${size} in ${name} ${show(tensor.shape)}`,
        );
      }
    });
  }
  return sizes;
}
