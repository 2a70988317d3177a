/** Rows joined to one array. */
export function concat(rows: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    joined.set(row, at);
    at += row.length;
  }
  return joined;
}
