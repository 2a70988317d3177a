import { isExcluded, scoreOf } from '../rank/reference.js';
import { LOWEST } from './shader.js';

/** The k items of greatest score <h, table_i>, i in 1..N and not excluded, by (score descending, id ascending); then (0, LOWEST). */
export function topKReference(
  h: Float64Array,
  table: Float64Array,
  excluded: Uint32Array,
  { N, D, k }: { N: number; D: number; k: number },
): { ids: Uint32Array; scores: Float64Array } {
  const B = h.length / D;
  const words = excluded.length / B;
  const ids = new Uint32Array(B * k);
  const scores = new Float64Array(B * k).fill(LOWEST);
  for (let row = 0; row < B; row++) {
    const candidates: { id: number; score: number }[] = [];
    for (let id = 1; id <= N; id++) {
      if (!isExcluded(excluded, row, id, words)) candidates.push({ id, score: scoreOf(h, table, row, id, D) });
    }
    candidates.sort((a, b) => b.score - a.score || a.id - b.id);
    candidates.slice(0, k).forEach(({ id, score }, i) => {
      ids[row * k + i] = id;
      scores[row * k + i] = score;
    });
  }
  return { ids, scores };
}
