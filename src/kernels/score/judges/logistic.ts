/** log(1 + e^x), for any x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * WGSL over `alias Score`: `softplus(x)` and its derivative `sigmoid(x)`, both stable: exp is taken of -|x| alone, and
 * log(1 + e) = 2 artanh(e / (2 + e)) by its series, good to f32 for e <= 1.
 */
export const LOGISTIC_WGSL = /* wgsl */ `
fn softplus(x: Score) -> Score {
  let e = exp(-abs(x));
  let z = e / (2.0 + e);
  let y = z * z;
  let series = 1.0 + y * (1.0 / 3.0 + y * (1.0 / 5.0 + y * (1.0 / 7.0 + y * (1.0 / 9.0 + y * (1.0 / 11.0 + y * (1.0 / 13.0))))));
  return max(x, Score(0.0)) + 2.0 * z * series;
}
fn sigmoid(x: Score) -> Score {
  let e = exp(-abs(x));
  return select(e, Score(1.0), x >= Score(0.0)) / (1.0 + e);
}
`;
