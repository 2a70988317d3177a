/** log(1 + e^x), for any x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** 1 / (1 + e^-x), for any x. */
export function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

/**
 * WGSL: `softplus(x)`, its derivative `sigmoid(x)` and its second derivative `sigmoid_slope(x)`, all stable: exp is taken of -|x| alone, and
 * log(1 + e) = 2 artanh(e / (2 + e)) by its series, good to f32 for e <= 1.
 * @param type of their argument and result
 * @param prefix of their names
 */
export function logisticWgsl(type: 'Score' | 'f32', prefix = ''): string {
  return /* wgsl */ `
fn ${prefix}softplus(x: ${type}) -> ${type} {
  let e = exp(-abs(x));
  let z = e / (2.0 + e);
  let y = z * z;
  let series = 1.0 + y * (1.0 / 3.0 + y * (1.0 / 5.0 + y * (1.0 / 7.0 + y * (1.0 / 9.0 + y * (1.0 / 11.0 + y * (1.0 / 13.0))))));
  return max(x, ${type}(0.0)) + 2.0 * z * series;
}
fn ${prefix}sigmoid(x: ${type}) -> ${type} {
  let e = exp(-abs(x));
  return select(e, ${type}(1.0), x >= ${type}(0.0)) / (1.0 + e);
}
fn ${prefix}sigmoid_slope(x: ${type}) -> ${type} {
  let e = exp(-abs(x));
  return e / ((1.0 + e) * (1.0 + e));
}
`;
}
