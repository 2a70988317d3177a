import type { Table } from '../../../engine/table.js';
import type { Tape } from '../../../engine/tape.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { contributeTensor } from '../../add/index.js';
import { cellsOf } from '../../cells.js';
import { columnSumInto } from '../../column_sum/index.js';
import { matmulByDepth, matmulByRows } from '../../grouped_matmul/index.js';
import { contributeScatter, scatterAdd } from '../../scatter_add/index.js';
import { teamOf, teamWorkgroups } from '../../team.js';
import { judgeTile } from '../catalogue/judge.js';
import { answerForPositives, TILE_CELLS, tileItems, WORKGROUP } from '../catalogue/shader.js';
import type { Verdict } from '../judge.js';
import type { Lists } from './lists.js';
import { scorePositives } from './shader.js';

export interface SharedOptions {
  verdict: Verdict;
  lists: Lists;
  numItems: number;
  /** A candidate that is a token's own positive does not count for it. */
  others?: boolean;
  /** What a token's loss counts for in the whole, as in `scoreOwn`. */
  scale?: number;
}

/**
 * Scores each token's positive and the candidates of the list that it shares with its neighbours, and judges the scores: the sum over tokens of scale times
 * the judge's loss.
 *
 * Rows of a list are read once for all tokens that share it. Then everything is products, of all lists at once: tokens by candidates and slopes by rows,
 * with the judge between them in place, and a third for the candidates' gradients. Scores exist some lists at a time, so memory does not grow with T k.
 * The table's gradient comes by rows; where the lists have more rows than the table, it is dense.
 * @param h [T, D]
 * @param table [N + 2, D]
 * @param targets [T] u32, ids of the positives (not checked); or [T, 2], each with the bits of its weight
 * @returns [1], the root of the backward
 * @throws ShapeError when an axis disagrees; GsasError for a gradient of a table of several pages
 */
export function scoreShared(
  tape: Tape,
  h: Tensor,
  table: Table,
  targets: Tensor,
  { verdict: { judge, settings }, lists, numItems: N, others = false, scale }: SharedOptions,
): Tensor {
  const op = `shared_${judge.name}`;
  const weighted = targets.shape.length === 2;
  const { stream } = tape;
  const { T, D, G, W } = checkShapes(op, {
    h: [h, 'T', 'D'],
    table: [table, N + 2, 'D'],
    targets: weighted ? [targets, 'T', 2] : [targets, 'T'],
    ids: [lists.ids, 'G', 'W'],
    listOf: [lists.listOf, 'T'],
    ...(lists.logDraws && { logDraws: [lists.logDraws, 'G', 'W'] as const }),
    ...(lists.positiveLogDraws && { positiveLogDraws: [lists.positiveLogDraws, 'T'] as const }),
  });
  const gradients = tape.needsGradient(h) || tape.needsGradient(table.pages[0]);
  const page = gradients ? table.whole(op) : undefined;
  // Parts of a batch hand in their rows together.
  const parts = Math.ceil((stream.random.tokens ?? T) / T);
  const dense = parts * G * W >= table.rows;

  const { count: cells, ...cell } = cellsOf(D);
  const losses = stream.empty([T, 1]);
  const outputs = gradients
    ? {
        dh: stream.empty([T, D]),
        drows: stream.empty(dense ? [table.rows, D] : [G * W, D]),
        ids: stream.empty([T], 'u32'),
        slopes: stream.empty([T]),
      }
    : undefined;
  stream.scope(() => {
    const running = stream.empty([T, 2]);
    const team = teamOf(stream.gpu.capabilities);
    const scaled = (scale ?? 1 / T) / judge.divisor(lists.k);
    const positives = { ...table.bindings('table'), targets, running };
    const { logDraws, positiveLogDraws } = lists;
    const positivesShader = scorePositives({
      ...{ D, team, table: table.layout, weighted, corrected: positiveLogDraws !== undefined },
    });
    const drawn = positiveLogDraws && { log_draws: positiveLogDraws };
    stream.dispatch(positivesShader, { h, ...positives, ...drawn, T, scale: scaled }, teamWorkgroups(team, T));
    const judgeShader = judgeTile({
      ...{ team, judge: judge.name, pass: 'at_once', firstTile: true, weighted, gradients },
      lists: { others, corrected: logDraws !== undefined },
    });

    for (const { first, count, token, tokens, groups } of lists.chunks) {
      stream.scope(() => {
        const candidates = stream.view(lists.ids, [count, W], first * W);
        const columns = stream.empty([count, D, W]);
        const rows = gradients ? stream.empty([count, W, D]) : undefined;
        const tiles = { ...table.bindings('table'), candidates, columns, ...(rows && { rows }) };
        const tilesShader = tileItems({ cell, table: table.layout, rows: gradients, lists: true });
        const slots = count * W;
        stream.dispatch(tilesShader, { ...tiles, count: slots, N, W, D }, [
          Math.ceil(slots / WORKGROUP),
          Math.ceil(cells / TILE_CELLS),
        ]);
        const scores = stream.empty([tokens, W]);
        matmulByRows(stream, groups, { a: h, b: columns, out: scores, from: token });
        const judged = { scores, targets, losses, running, candidates: lists.ids, list_of: lists.listOf };
        const corrections = logDraws && { log_draws: logDraws };
        const numbers = { M: tokens, W, first: token, scale: scaled, ...judge.uniforms(settings) };
        stream.dispatch(judgeShader, { ...judged, ...corrections, ...numbers }, teamWorkgroups(team, tokens));
        if (!outputs || !rows) return;
        const { dh, drows } = outputs;
        matmulByRows(stream, groups, { a: scores, b: rows, out: dh, to: token });
        if (!dense) {
          const own = stream.view(drows, [count, W, D], first * W * D);
          matmulByDepth(stream, groups, { a: scores, b: h, out: own, base: token });
          return;
        }
        const own = stream.empty([count, W, D]);
        matmulByDepth(stream, groups, { a: scores, b: h, out: own, base: token });
        scatterAdd(stream, candidates, stream.view(own, [slots, D]), drows, { add: first > 0 });
      });
    }
    if (outputs) {
      const { dh, ids, slopes } = outputs;
      const shader = answerForPositives({ D, table: table.layout, weighted });
      stream.dispatch(shader, { ...positives, dh, ids, slopes, T }, Math.ceil((T * cells) / WORKGROUP));
    }
  });
  const loss = stream.empty([1]);
  columnSumInto(stream, losses, loss);
  stream.release(losses);

  if (!outputs || !page) return loss;
  const { dh, drows, ids, slopes } = outputs;
  const listed = stream.view(lists.ids, [G * W]);
  tape.record({
    inputs: [h, page],
    outputs: [loss],
    saved: [dh, drows, ids, slopes, listed],
    backward() {
      contributeTensor(tape, h, dh);
      if (dense) contributeTensor(tape, page, drows);
      else contributeScatter(tape, page, { ids: listed, source: drows });
      contributeScatter(tape, page, { ids, source: h, weights: slopes });
    },
  });
  return loss;
}
