/** Users with a value in a range, both ends included. */
export interface Bucket {
  readonly from: number;
  readonly to: number;
  /** Indices of the users. */
  readonly users: Uint32Array;
}

/**
 * Users in up to `count` buckets of nearly equal size by a value of theirs, such as the length of the history or the target's popularity. Equal values
 * share a bucket, so there may be fewer.
 */
export function quantileBuckets(values: ArrayLike<number>, count: number): Bucket[] {
  const order = Uint32Array.from(values, (_, user) => user).sort((a, b) => values[a] - values[b] || a - b);
  const buckets: Bucket[] = [];
  let start = 0;
  for (let bucket = 1; bucket <= count; bucket++) {
    let end = Math.round((bucket * order.length) / count);
    if (end <= start) continue;
    while (end < order.length && values[order[end]] === values[order[end - 1]]) end++;
    buckets.push({ from: values[order[start]], to: values[order[end - 1]], users: order.slice(start, end).sort() });
    start = end;
  }
  return buckets;
}
