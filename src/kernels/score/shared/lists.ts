import type { Stream } from '../../../engine/stream.js';
import type { Tensor } from '../../../engine/tensor.js';
import { uploadTogether, VIEW_STEP } from '../../../engine/upload.js';
import { type RowGroups, rowGroups } from '../../grouped_matmul/index.js';

/** Scores of tokens by candidates in memory at one time: 16 MiB. */
const HELD = 2 ** 22;

/** The same of numbers in the candidates' rows, for as many scores: with more lists at a time, a dense gradient is gone through less often. */
const ROWS_HELD = 2;

/** Consecutive tokens that share a list. */
export interface Sharers {
  /** The first, */
  readonly start: number;
  /** and the one after the last. */
  readonly end: number;
}

/** Lists of candidates on the device, and which tokens share which. */
export interface Lists {
  /** [G, W] u32; 0 is no candidate */
  readonly ids: Tensor;
  /** How many candidates a full list has, by which losses are divided. */
  readonly k: number;
  /** [T] u32 the list of each token */
  readonly listOf: Tensor;
  /** If scores are corrected: the log of how often each candidate is in such a list. [G, W] */
  readonly logDraws?: Tensor;
  /** If those of positives are corrected too: the same of each token's. [T] */
  readonly positiveLogDraws?: Tensor;
  /** Lists that are scored together. */
  readonly chunks: readonly Chunk[];
}

/** Consecutive lists. */
export interface Chunk {
  /** The first list, and how many. */
  readonly first: number;
  readonly count: number;
  /** The first token, and how many. */
  readonly token: number;
  readonly tokens: number;
  readonly groups: RowGroups;
}

/** W for lists of k candidates, which are padded with item 0, which is none, so that a list may begin a view. */
export function widthOf(k: number): number {
  return VIEW_STEP * Math.ceil(k / VIEW_STEP);
}

/**
 * Sequences, or a whole batch, cut to as many tokens as are scored at a time. Those of a piece share its list, so pieces of a sequence need the same list.
 * @param held scores in memory at one time, at most (but 64 tokens)
 */
export function cut<Whole extends Sharers>(whole: readonly Whole[], W: number, held = HELD): Whole[] {
  const most = Math.max(VIEW_STEP, Math.floor(held / W));
  return whole.flatMap((each) =>
    Array.from({ length: Math.ceil((each.end - each.start) / most) }, (_, i) => ({
      ...each,
      start: each.start + i * most,
      end: Math.min(each.end, each.start + (i + 1) * most),
    })),
  );
}

/** How long lists are. */
export interface ListSizes {
  /** Candidates of a full list. */
  readonly size: number;
  /** How many of them count for a token, by which its loss is divided; all if left out. */
  readonly k?: number;
  /** Columns of the table. */
  readonly D: number;
  /** Scores in memory at one time, see `cut`. */
  readonly held?: number;
}

/**
 * Uploads who shares what. Call it before a step's first launch, so that the upload waits for none.
 * @param whole those who share a list, in order, all tokens together
 * @param idsOf the candidates [G, W] of the lists of pieces, see `cut`
 */
export function uploadLists<Whole extends Sharers>(
  stream: Stream,
  whole: readonly Whole[],
  { size, k = size, D, held = HELD }: ListSizes,
  idsOf: (pieces: readonly Whole[], W: number) => Tensor,
): Lists {
  const W = widthOf(size);
  const sharers = cut(whole, W, held);
  const T = sharers[sharers.length - 1].end;
  const listOf = new Uint32Array(T);
  sharers.forEach(({ start, end }, list) => {
    listOf.fill(list, start, end);
  });
  const chunks = inChunks(sharers, { W, D, held }).map((lists) => {
    const [{ start: token }] = lists;
    const end = lists[lists.length - 1].end;
    const groups = rowGroups([...lists.map(({ start }) => start - token), end - token]);
    return { first: sharers.indexOf(lists[0]), count: lists.length, token, tokens: end - token, groups };
  });
  const [uploadedListOf, ...groups] = uploadTogether(
    stream,
    [listOf],
    ...chunks.flatMap(({ groups }) => [[groups.starts] as const, [groups.segments, 3] as const]),
  );
  return {
    ids: idsOf(sharers, W),
    k,
    listOf: uploadedListOf,
    chunks: chunks.map((chunk, i) => ({ ...chunk, groups: { starts: groups[2 * i], segments: groups[2 * i + 1] } })),
  };
}

/** Lists in order, as many together as their scores and rows leave room for. */
function inChunks<Piece extends Sharers>(
  sharers: readonly Piece[],
  { W, D, held }: { W: number; D: number; held: number },
): Piece[][] {
  const chunks: Piece[][] = [];
  for (const list of sharers) {
    const chunk = chunks[chunks.length - 1];
    const fits = chunk && (list.end - chunk[0].start) * W <= held && (chunk.length + 1) * W * D <= ROWS_HELD * held;
    if (fits) chunk.push(list);
    else chunks.push([list]);
  }
  return chunks;
}
