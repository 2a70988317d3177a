/** y[c] = sum over r of x[r, c]. */
export function columnSumReference(x: Float64Array, R: number, C: number): Float64Array {
  const y = new Float64Array(C);
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) y[c] = y[c] + x[r * C + c];
  return y;
}
