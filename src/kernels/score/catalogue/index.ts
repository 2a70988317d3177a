import type { Stream } from '../../../engine/stream.js';
import type { Table } from '../../../engine/table.js';
import type { Tape } from '../../../engine/tape.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { contributeTensor } from '../../add/index.js';
import { cellsOf } from '../../cells.js';
import { columnSumInto } from '../../column_sum/index.js';
import { matmul } from '../../matmul/index.js';
import { contributeScatter } from '../../scatter_add/index.js';
import { teamOf, teamWorkgroups } from '../../team.js';
import type { Verdict } from '../judge.js';
import { scorePositives } from '../shared/shader.js';
import { type JudgeConstants, judgeTile } from './judge.js';
import { answerForPositives, TILE_CELLS, tileItems, WORKGROUP } from './shader.js';

/** Scores in memory at one time: 16 MiB. */
const HELD = 2 ** 22;

/** Rows of a tile, tokens and items alike, are a multiple of this: where a view may begin. */
const STEP = 64;

export interface CatalogueOptions {
  verdict: Verdict;
  /** N: candidates are the items 1 … N, each once. */
  numItems: number;
  /** What a token's loss counts for in the whole, as in `scoreOwn`. */
  scale?: number;
  /** Scores in memory at one time, at most (but 64 tokens by 64 items). */
  held?: number;
}

/**
 * Scores each token against every item and judges the scores: the sum over tokens of scale times the judge's loss, the target being the positive and
 * all other items the candidates. Under the softmax that is the cross entropy over the catalogue.
 *
 * Scores exist a tile at a time: two products, tokens by items and slopes by rows, with the judge between them in place, and a third for the table's
 * gradient. So memory does not grow with T N. Where all items fit a tile, a score is computed once; else once more for its slope, when the
 * log-sum-exp over all tiles is known (the recomputation of Cut Cross-Entropy, Wijmans et al., arXiv 2411.09009, sections 4.2 and 4.3).
 * The table's gradient is dense: every item has a share in every token's loss.
 * @param h [T, D]
 * @param table [N + 2, D]; rows 0 and N + 1 are no items
 * @param targets [T] u32, ids of the positives (not checked); or [T, 2], each with the bits of its weight
 * @returns [1], the root of the backward
 * @throws ShapeError when an axis disagrees; GsasError for a gradient of a table of several pages
 */
export function scoreCatalogue(
  tape: Tape,
  h: Tensor,
  table: Table,
  targets: Tensor,
  { verdict: { judge, settings }, numItems: N, scale, held = HELD }: CatalogueOptions,
): Tensor {
  const op = `catalogue_${judge.name}`;
  const weighted = targets.shape.length === 2;
  const { T, D } = checkShapes(op, {
    h: [h, 'T', 'D'],
    table: [table, N + 2, 'D'],
    targets: weighted ? [targets, 'T', 2] : [targets, 'T'],
  });
  const { stream } = tape;
  const gradients = tape.needsGradient(h) || tape.needsGradient(table.pages[0]);
  const page = gradients ? table.whole(op) : undefined;
  const R = 4 * Math.ceil((N + 2) / 4); // scores of a token, in whole cells; what is no item among them is left out
  const items = tilesOf(R, floor(held / STEP));
  const tokens = tilesOf(T, floor(held / items[0].count));
  const alone = items.length === 1;

  const losses = stream.empty([T, 1]);
  const dh = gradients ? stream.empty([T, D]) : undefined;
  const dtable = gradients ? stream.empty([R, D]) : undefined;
  const [pairs, waits, sums] = (['positive', 'log_sum_exp', 'softmax'] as const).map((need) => judge.needs === need);
  const answers = gradients && pairs ? { ids: stream.empty([T], 'u32'), slopes: stream.empty([T]) } : undefined;
  stream.scope(() => {
    const tile = stream.empty([tokens[0].count * items[0].count]);
    const running = stream.empty([T, 2]);
    const summed = stream.empty([sums && !alone ? T : 0, 2, 4]);
    const team = teamOf(stream.gpu.capabilities);
    const scaled = (scale ?? 1 / T) / judge.divisor(N - 1);

    /** Scores of some tokens and items, and what a pass makes of them. */
    const scored = (rows: Range, of: Range, columns: Tensor, pass: JudgeConstants['pass']) => {
      const scores = stream.view(tile, [rows.count, of.count], 0);
      matmul(stream, { a: part(stream, h, rows), b: columns, out: scores });
      const firstTile = of.start === 0;
      const shader = judgeTile({ team, judge: judge.name, pass, firstTile, weighted, gradients });
      const judges = pass !== 'reduce';
      const args = {
        ...((judges || pairs || sums) && { targets: part(stream, targets, rows) }),
        ...(judges && { losses: part(stream, losses, rows) }),
        ...((pairs || sums || (waits && pass !== 'at_once')) && { running: part(stream, running, rows) }),
        ...(sums && pass !== 'at_once' && { summed: part(stream, summed, rows) }),
      };
      const numbers = { M: rows.count, W: of.count, first: of.start, N, scale: scaled, ...judge.uniforms(settings) };
      stream.dispatch(shader, { scores, ...args, ...numbers }, teamWorkgroups(team, rows.count));
      return scores;
    };
    const itemsOf = (of: Range, withRows: boolean) => {
      const columns = stream.empty([D, of.count]);
      const rows = withRows ? stream.empty([of.count, D]) : undefined;
      const args = { ...table.bindings('table'), columns, ...(rows && { rows }), first: of.start, N, W: of.count, D };
      const { count, ...cell } = cellsOf(D);
      const shader = tileItems({ cell, table: table.layout, rows: withRows });
      stream.dispatch(shader, args, [Math.ceil(of.count / WORKGROUP), Math.ceil(count / TILE_CELLS)]);
      return { columns, rows };
    };

    if (sums) {
      const shader = scorePositives({ D, team, table: table.layout, weighted });
      const args = { h, ...table.bindings('table'), targets, running, T, scale: scaled };
      stream.dispatch(shader, args, teamWorkgroups(team, T));
    }
    if (!alone && (waits || pairs || sums)) {
      for (const of of items) {
        stream.scope(() => {
          const { columns } = itemsOf(of, false);
          for (const rows of tokens) stream.scope(() => void scored(rows, of, columns, 'reduce'));
        });
      }
    }
    for (const of of items) {
      stream.scope(() => {
        const { columns, rows: itemRows } = itemsOf(of, gradients);
        for (const rows of tokens) {
          stream.scope(() => {
            const slopes = scored(rows, of, columns, alone ? 'at_once' : 'judge');
            if (!dh || !dtable || !itemRows) return;
            matmul(stream, { a: slopes, b: itemRows, out: part(stream, dh, rows), add: of.start > 0 });
            const share = { transposeA: true, b: part(stream, h, rows), out: part(stream, dtable, of) };
            matmul(stream, { a: slopes, ...share, add: rows.start > 0 });
          });
        }
      });
    }
    if (answers && dh) {
      const shader = answerForPositives({ D, table: table.layout, weighted });
      const args = { ...table.bindings('table'), targets, running, dh, ...answers, T };
      stream.dispatch(shader, args, Math.ceil((T * cellsOf(D).count) / WORKGROUP));
    }
  });
  const loss = stream.empty([1]);
  columnSumInto(stream, losses, loss);
  stream.release(losses);

  if (!dh || !dtable || !page) return loss;
  const rows = stream.view(dtable, page.shape, 0);
  stream.release(dtable);
  tape.record({
    inputs: [h, page],
    outputs: [loss],
    saved: [dh, rows, ...Object.values(answers ?? {})],
    backward() {
      contributeTensor(tape, h, dh);
      contributeTensor(tape, page, rows);
      if (answers) contributeScatter(tape, page, { ids: answers.ids, source: h, weights: answers.slopes });
    },
  });
  return loss;
}

/** Consecutive rows of a matrix. */
interface Range {
  readonly start: number;
  readonly count: number;
}

/** All rows in ranges of up to `most`. */
function tilesOf(rows: number, most: number): Range[] {
  const size = Math.min(rows, Math.max(STEP, most));
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => ({
    start: i * size,
    count: Math.min(size, rows - i * size),
  }));
}

/** Those rows of a matrix, or elements of a vector. */
function part(stream: Stream, tensor: Tensor, { start, count }: Range): Tensor {
  const [, ...rest] = tensor.shape;
  const width = rest.reduce((product, n) => product * n, 1);
  return stream.view(tensor, [count, ...rest], start * width);
}

function floor(value: number): number {
  return STEP * Math.floor(value / STEP);
}
