/** y[i] = a[i] + b[i]. */
export function addReference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]);
}
