/** Counting sort, stable: order lists the pairs by item, ascending within an item; item r's are order[starts[r] … starts[r+1]-1]. */
export function groupReference(ids: Uint32Array, rows: number): { order: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(rows + 1);
  for (const id of ids) starts[id + 1] = starts[id + 1] + 1;
  for (let r = 0; r < rows; r++) starts[r + 1] = starts[r + 1] + starts[r];
  const next = starts.slice();
  const order = new Uint32Array(ids.length);
  ids.forEach((id, pair) => {
    order[next[id]] = pair;
    next[id] = next[id] + 1;
  });
  return { order, starts };
}
