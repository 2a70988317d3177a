import { SHAPES, type ShapeKey, type StepShape } from '../step/shapes.js';

/** The shape that each axis starts from. Rows fill their window, so that B S positions are the work of a step at every point. */
export const BASE: StepShape = { ...SHAPES.ml1m, sequence_length: 100, embedding_dim: 64 };

/** One number of a shape, and the values it is tried at. */
export interface Axis {
  key: ShapeKey;
  values: readonly number[];
  /** What else differs from the base on this axis, and why in a few words. */
  instead?: { shape: Partial<StepShape>; why: string };
  /** How many times more a position may cost at the greatest value than at the least. */
  atMost?: number;
}

export const AXES = {
  items: {
    key: 'items',
    values: [1e3, 1e4, 1e5, 1e6],
    instead: {
      shape: { embedding_dim: 32 },
      why: 'D=32, with which a table of 1e6 items is 128 MB and any adapter can bind it (128 MiB)',
    },
    atMost: 2,
  },
  negatives: { key: 'negs_per_pos', values: [1, 4, 16, 64, 256, 1024] },
  window: { key: 'sequence_length', values: [25, 50, 100, 200, 400] },
  batch: { key: 'batch_size', values: [8, 32, 128, 512] },
} as const satisfies Record<string, Axis>;

export type AxisName = keyof typeof AXES;

/** Why an axis does not start from the base; undefined if it does, or the user asked for another shape. */
export function whyInstead({ instead }: Axis, given: Partial<StepShape>): string | undefined {
  return instead && Object.keys(instead.shape).every((key) => !(key in given)) ? instead.why : undefined;
}

/** The shape at one point of an axis. `given` are the user's numbers, which do not apply to the axis's own number. */
export function shapeAt(axis: Axis, value: number, given: Partial<StepShape>): StepShape {
  return { ...BASE, ...axis.instead?.shape, ...given, [axis.key]: value };
}
