import type { Stream } from '../../engine/stream.js';
import { uploadTogether } from '../../engine/upload.js';
import { normals } from '../inputs.js';
import { matmulReference } from '../matmul/reference.js';
import { defineOp } from '../op.js';
import { matmulByDepth, matmulByRows, type RowGroups, rowGroups } from './index.js';

/** `groups`: how many rows each has. They begin at row 0 of one operand and at row `at` of the other. */
interface Case {
  groups: readonly number[];
  N: number;
  K: number;
  at?: number;
}

const cases: readonly Case[] = [
  { groups: [1], N: 1, K: 1 },
  { groups: [3, 17, 1, 33], N: 7, K: 31 },
  { groups: [16, 0, 5, 32], N: 130, K: 65, at: 2 },
  { groups: [101], N: 64, K: 12, at: 1 },
];
const benchShapes: readonly Case[] = [
  { groups: Array<number>(32).fill(100), N: 3008, K: 128 },
  { groups: Array<number>(128).fill(8), N: 3008, K: 64 },
];
const rowsOf = ({ groups }: Case) => groups.reduce((sum, rows) => sum + rows, 0);
const startsOf = ({ groups }: Case) =>
  Array.from({ length: groups.length + 1 }, (_, g) => rowsOf({ groups: groups.slice(0, g), N: 0, K: 0 }));

function uploadGroups(stream: Stream, shape: Case): RowGroups {
  const { starts, segments } = rowGroups(startsOf(shape));
  const [uploadedStarts, uploadedSegments] = uploadTogether(stream, [starts], [segments, 3]);
  return { starts: uploadedStarts, segments: uploadedSegments };
}

const cost = {
  forward: ({ groups, N, K, ...rest }: Case) => {
    const M = rowsOf({ groups, N, K, ...rest });
    return { bytes: 4 * (M * K + groups.length * K * N + M * N), flops: 2 * M * N * K };
  },
};

const byRows = defineOp<Case>()({
  name: 'matmul_by_rows',
  formula: 'out[i] = a[i] b[g] for each row i of each group g',
  cases,
  benchShapes,
  inputs: (shape, random) => ({
    a: normals(random, [(shape.at ?? 0) + rowsOf(shape), shape.K]),
    b: normals(random, [shape.groups.length, shape.K, shape.N]),
  }),
  differentiable: [],
  run: ({ stream }, shape, { a, b }) => {
    const out = stream.empty([rowsOf(shape), shape.N]);
    matmulByRows(stream, uploadGroups(stream, shape), { a, b, out, from: shape.at ?? 0 });
    return { out };
  },
  reference(shape, { a, b }) {
    const { groups, N, K, at = 0 } = shape;
    const starts = startsOf(shape);
    const out = groups.map((rows, g) => {
      const from = a.subarray((at + starts[g]) * K, (at + starts[g + 1]) * K);
      return [...matmulReference(from, b.subarray(g * K * N, (g + 1) * K * N), rows, N, K)];
    });
    return { out: Float64Array.from(out.flat()) };
  },
  cost,
});

const byDepth = defineOp<Case>()({
  name: 'matmul_by_depth',
  formula: 'out[g] = the sum over rows i of group g of a[i]^T b[i]',
  cases,
  benchShapes,
  inputs: (shape, random) => ({
    a: normals(random, [rowsOf(shape), shape.K]),
    b: normals(random, [(shape.at ?? 0) + rowsOf(shape), shape.N]),
  }),
  differentiable: [],
  run: ({ stream }, shape, { a, b }) => {
    const out = stream.empty([shape.groups.length, shape.K, shape.N]);
    matmulByDepth(stream, uploadGroups(stream, shape), { a, b, out, base: shape.at ?? 0 });
    return { out };
  },
  reference(shape, { a, b }) {
    const { groups, N, K, at = 0 } = shape;
    const starts = startsOf(shape);
    const out = groups.map((rows, g) => {
      const [from, to] = [a.subarray(starts[g] * K), b.subarray((at + starts[g]) * N)];
      return [...matmulReference(from, to, K, N, rows, { transposeA: true })];
    });
    return { out: Float64Array.from(out.flat()) };
  },
  cost,
});

/** Products of several groups of rows in one launch. */
export const groupedMatmulOps = [byRows, byDepth];
