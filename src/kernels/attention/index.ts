import { GsasError, InputError } from '../../base/errors.js';
import type { Capabilities } from '../../engine/gpu.js';
import { type Dropout, dropoutUniforms } from '../../engine/random.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { addInto, passGradient } from '../add/index.js';
import { teamOf } from '../team.js';
import { chunksOf } from './rows.js';
import { backwardDelta, backwardKey, backwardQuery, forward } from './shader.js';
import { MOST_TILED, type TiledConstants, tiledChunks, tilingOf } from './tiled.js';
import { tiledBackwardKey, tiledBackwardQuery, tiledForward } from './tiled_shader.js';

const WORKGROUP = 64; // rows of the delta pass

export interface AttentionOptions {
  heads: number;
  /**
   * On the weights, after the softmax. The factor of head h, query t and its sequence's key j is element j of the site's row h T + t, where T and t
   * are the whole batch's.
   */
  dropout?: Dropout | undefined;
  /** [T, D], with `last` [Q, D]; added to the result */
  residual?: Tensor | undefined;
  /** Tokens see those after them, too, as in BERT. */
  bidirectional?: boolean | undefined;
  /** Only the last token of each sequence queries, which is enough to predict the next item. Forward only. */
  last?: boolean | undefined;
}

/**
 * Attention within ragged rows, causal unless it is `bidirectional`: softmax(q k^T / sqrt(D / heads)) v + residual, each head on its chunk of the
 * columns.
 * @param q [T, D]; with `last` [Q, D], a row per sequence
 * @param k [T, D]
 * @param v [T, D]
 * @param spans [T, 2] for each token the half-open range of its sequence's tokens; sequences lie one after the other. With `last`
 *   [Q, 2], for each row of q
 * @returns the shape of q
 * @throws ShapeError when an axis disagrees, InputError if D is not a multiple of `heads`, GsasError for a gradient through `last`
 */
export function attention(
  tape: Tape,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  spans: Tensor,
  { heads, dropout, residual, bidirectional = false, last = false }: AttentionOptions,
): Tensor {
  const Q = last ? 'Q' : 'T';
  const sizes = checkShapes('attention', {
    q: [q, Q, 'D'],
    k: [k, 'T', 'D'],
    v: [v, 'T', 'D'],
    spans: [spans, Q, 2],
    ...(residual && { residual: [residual, Q, 'D'] as const }),
  });
  const { D } = sizes;
  const T = sizes[Q]; // queries
  if (D % heads !== 0) throw new InputError(`attention: ${D} columns do not divide into ${heads} heads`);
  if (last && [q, k, v].some((input) => tape.needsGradient(input)))
    throw new GsasError('attention: with `last` there is no backward; record nothing on the tape');
  const { stream } = tape;
  const headSize = D / heads;
  const kind = { ...(bidirectional && { bidirectional }), ...(last && { last }) };
  const constants = { heads, headSize, dropout: dropout !== undefined, ...kind };
  const kernels = kernelsFor(stream.gpu.capabilities, constants);
  const uniforms = {
    T,
    chunks: kernels.chunks,
    ...(dropout && { whole: stream.random.tokens ?? T, ...dropoutUniforms(stream.random, dropout) }),
  };
  const workgroups = heads * (last ? T : Math.ceil(T / kernels.rows));

  const y = stream.empty([T, D]);
  const stats = stream.empty([T, heads, 2]);
  const shader = kernels.forward({ residual: residual !== undefined });
  stream.dispatch(shader, { q, k, v, spans, y, stats, ...(residual && { residual }), ...uniforms }, workgroups);

  tape.record({
    inputs: residual ? [q, k, v, residual] : [q, k, v],
    outputs: [y],
    saved: [stats],
    backward() {
      const dy = tape.gradient(y);
      const delta = backwardDelta({ heads, headSize, residual: residual !== undefined, workgroup: WORKGROUP });
      stream.dispatch(delta, { y, dy, stats, ...(residual && { residual }), T }, Math.ceil((T * heads) / WORKGROUP));
      tape.contribute(q, (dq, accumulate) => {
        const shader = kernels.backwardQuery({ accumulate });
        stream.dispatch(shader, { q, k, v, spans, dy, stats, dq, ...uniforms }, workgroups);
      });
      if (tape.needsGradient(k) || tape.needsGradient(v)) {
        const dk = shareOf(tape, k);
        const dv = v === k ? scratchFor(tape, v) : shareOf(tape, v);
        const shader = kernels.backwardKey({ accumulateKey: dk.accumulate, accumulateValue: dv.accumulate });
        const gradients = { dk: dk.gradient, dv: dv.gradient };
        stream.dispatch(shader, { q, k, v, spans, dy, stats, ...gradients, ...uniforms }, workgroups);
        if (v === k) addInto(stream, dv.gradient, dk.gradient);
        for (const { gradient, scratch } of [dk, dv]) if (scratch) stream.release(gradient);
      }
      if (residual) passGradient(tape, y, residual);
    },
  });
  return y;
}

/** The variant of the kernels for an adapter, the rows of the tile that a workgroup takes, and the uniform `chunks`. */
function kernelsFor(capabilities: Capabilities, constants: TiledConstants) {
  const { headSize } = constants;
  if (!capabilities.software && headSize <= MOST_TILED) {
    return {
      rows: tilingOf(headSize, 'queries').rows,
      chunks: tiledChunks(headSize),
      forward: (more: { residual: boolean }) => tiledForward({ ...constants, ...more }),
      backwardQuery: (more: { accumulate: boolean }) => tiledBackwardQuery({ ...constants, ...more }),
      backwardKey: (more: { accumulateKey: boolean; accumulateValue: boolean }) =>
        tiledBackwardKey({ ...constants, ...more }),
    };
  }
  const team = { ...teamOf(capabilities), teams: 1 };
  return {
    rows: team.lanes,
    chunks: chunksOf(headSize),
    forward: (more: { residual: boolean }) => forward({ ...constants, team, ...more }),
    backwardQuery: (more: { accumulate: boolean }) => backwardQuery({ ...constants, team, ...more }),
    backwardKey: (more: { accumulateKey: boolean; accumulateValue: boolean }) =>
      backwardKey({ ...constants, team, ...more }),
  };
}

/** Where a launch writes one of its two gradients. */
interface Share {
  gradient: Tensor;
  accumulate: boolean;
  scratch: boolean;
}

function scratchFor({ stream }: Tape, input: Tensor): Share {
  return { gradient: stream.empty(input.shape), accumulate: false, scratch: true };
}

/** The input's own gradient, or scratch memory if it needs none. */
function shareOf(tape: Tape, input: Tensor): Share {
  let share: Share | undefined;
  tape.contribute(input, (gradient, accumulate) => {
    share = { gradient, accumulate, scratch: false };
  });
  return share ?? scratchFor(tape, input);
}
