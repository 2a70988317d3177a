/** A column of an alias table keeps a draw if its coin, 32 random bits, is below the threshold. Else the draw goes to the alias. */
export interface AliasTable {
  readonly thresholds: Uint32Array;
  readonly aliases: Uint32Array;
}

const WHOLE = 2 ** 32 - 1;

/**
 * Columns that turn two random words into a draw of given probabilities: one word chooses a column, uniformly, the other is its coin (Walker, ACM TOMS
 * 1977; built in linear time as in Vose, IEEE TSE 1991). Probabilities are right to 2^-32 of a column.
 * @param weights not negative, and not all 0
 */
export function aliasTable(weights: Float64Array): AliasTable {
  const n = weights.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => (weight / total) * n); // in columns
  const thresholds = new Uint32Array(n).fill(WHOLE);
  const columns = Array.from({ length: n }, (_, i) => i);
  const aliases = Uint32Array.from(columns);
  const small = columns.filter((i) => shares[i] < 1);
  const large = columns.filter((i) => shares[i] >= 1);
  while (small.length > 0 && large.length > 0) {
    const [less, more] = [small.pop()!, large.at(-1)!];
    thresholds[less] = Math.min(WHOLE, Math.round(shares[less] * 2 ** 32));
    aliases[less] = more;
    shares[more] -= 1 - shares[less];
    if (shares[more] < 1) small.push(large.pop()!);
  }
  return { thresholds, aliases };
}
