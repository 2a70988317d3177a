import { InputError } from '../base/errors.js';
import { historyBatch, type RaggedBatch, seenBits, seenWords } from '../data/batches.js';
import { checkBatch, checkItems } from '../data/check-batch.js';
import type { Gpu } from '../engine/gpu.js';
import { Stream } from '../engine/stream.js';
import { Tape } from '../engine/tape.js';
import type { HostArray, Tensor } from '../engine/tensor.js';
import { matmul } from '../kernels/matmul/index.js';
import { gbce, gbceBeta } from '../kernels/score/judges/gbce.js';
import { scoreOwn } from '../kernels/score/own/index.js';
import { givenCandidates } from '../kernels/score/samplers/given.js';
import { topK } from '../kernels/score/top_k/index.js';
import { adam } from '../kernels/update/rules/adam.js';
import { Model } from '../model/model.js';
import { Optimizer } from '../train/optimizer.js';
import { type Fixture, readFixture } from './fixture.js';

/** One comparison with the official code. */
export interface ParityRow {
  name: string;
  /** Largest difference, in the unit of `limit`. */
  difference: number;
  limit: number;
  unit: 'absolute' | 'relative' | 'of the largest' | 'beyond 1e-5, share of elements' | 'ids';
  ok: boolean;
  /** A remark about a tensor that is compared in another way than its kind. */
  note?: string;
}

const HIDDEN = 2e-5;
const LOSS = 1e-5;
const GRADIENT = 5e-5;
const ADAM_MOST = 1e-5;
const ADAM_SHARE = 0.01;
const ADAM_ALL = 3e-4;
const STEPS = 5;
const TOP = 10;

/**
 * Compares hidden states, logits, loss, every gradient, the parameters after 1 and 5 Adam steps on the same batch, and the top 10 with
 * and without seen items with the numbers in a fixture: a safetensors file laid out as those in test/fixtures.
 * @throws InputError for a file that is no such fixture
 */
export async function checkParity(gpu: Gpu, file: string): Promise<ParityRow[]> {
  const fixture = readFixture(file);
  const rows = new Rows();
  const stream = new Stream(gpu);
  const model = new Model(stream, fixture.config, fixture.parameters('param'));
  await comparePredictions(model, fixture, rows, file);
  await compareTraining(model, fixture, rows, file);
  model.release();
  return rows.list;
}

/** A batch without its padding: the positions of its tokens in the padded [B, S] arrays, and the ragged form. */
function withoutPadding(
  { meta }: Fixture,
  padded: ArrayLike<number>,
  file: string,
): { at: number[]; batch: RaggedBatch } {
  const at: number[] = [];
  const histories: Uint32Array[] = [];
  for (let row = 0; row < meta.batch; row++) {
    const real = Array.from({ length: meta.seq }, (_, i) => row * meta.seq + i).filter((i) => padded[i] !== meta.pad);
    if (real.length > 0 && real[0] !== (row + 1) * meta.seq - real.length) {
      throw new InputError(`${file}: row ${row} of a sequence tensor has padding to the right of an item`);
    }
    at.push(...real);
    if (real.length > 0) histories.push(Uint32Array.from(real, (i) => padded[i])); // otherwise it is all padding
  }
  return { at, batch: historyBatch(histories) };
}

async function compareTraining(model: Model, fixture: Fixture, rows: Rows, file: string): Promise<void> {
  const { stream, config } = model;
  const { meta } = fixture;
  const { num_items: N, embedding_dim: D } = config;
  const { at, batch } = withoutPadding(fixture, fixture.numbers('input/model_input'), file);
  const T = batch.tokens;
  const labels = fixture.numbers('input/labels');
  const negatives = fixture.numbers('input/negatives');
  const targets = Uint32Array.from(at, (i) => labels[i]);
  const sampled = Uint32Array.from(
    at.flatMap((i) => Array.from({ length: meta.negs }, (_, j) => negatives[i * meta.negs + j])),
  );
  checkBatch({ ...batch, targets }, config);
  checkItems(sampled, N, 'negative');
  const tensors = {
    ids: stream.upload(batch.ids, [T]),
    spans: stream.upload(batch.spans, [T, 2]),
  };
  const positives = stream.upload(targets, [T]);
  const drawn = stream.upload(sampled, [T, meta.negs]);
  const objective = {
    verdict: { judge: gbce, settings: { beta: gbceBeta(meta.negs, N, meta.t) } },
    candidates: givenCandidates(drawn),
  };

  const [hidden, scores] = await Promise.all(
    stream.scope(() => {
      const h = model.encode(new Tape(stream, false), tensors);
      const all = stream.empty([T, N + 2]);
      matmul(stream, { a: h, b: model.outputTable.whole('parity'), out: all, transposeB: true });
      return [stream.read(h), stream.read(all)];
    }),
  );
  rows.values('hidden', hidden!, pick(fixture.numbers('out/hidden'), at, D), HIDDEN, 'absolute');
  const k = meta.negs + 1;
  const logits = at.flatMap((_, t) =>
    [targets[t], ...sampled.subarray(t * meta.negs, (t + 1) * meta.negs)].map((id) => scores![t * (N + 2) + id]),
  );
  const expectedLogits = pick(fixture.numbers('out/logits'), at, k);
  rows.values('logits', logits, expectedLogits, HIDDEN, 'of the largest');

  const expectedLosses = fixture.numbers('out/losses_steps_1_to_5');
  const optimizer = new Optimizer(stream, model.parameters, {
    rule: adam,
    settings: { lr: meta.adam.lr },
    lazy: false,
  });
  for (let step = 1; step <= STEPS; step++) {
    const { value, gradients, parameters } = stream.scope(() => {
      // As in training. Only the first step's gradients are wanted as whole tensors.
      const tape = new Tape(stream, true, step === 1 ? [] : model.tables);
      const root = scoreOwn(tape, model.encode(tape, tensors), model.outputTable, positives, objective);
      const value = stream.download(root);
      tape.backward({ of: root });
      const gradients = step === 1 ? downloadAll(stream, model.parameters, (p) => tape.gradient(p)) : [];
      optimizer.update(tape, step);
      const parameters = step === 1 || step === STEPS ? downloadAll(stream, model.parameters, (p) => p) : [];
      return { value, gradients, parameters };
    });
    stream.submit();
    const official = step === 1 ? fixture.numbers('out/loss')[0] : expectedLosses[step - 1];
    rows.values(step === 1 ? 'loss' : `loss at step ${step}`, await value, [official], LOSS, 'relative');
    for (const [name, actual] of await Promise.all(gradients)) rows.gradient(name, actual, fixture);
    for (const [name, actual] of await Promise.all(parameters)) rows.adam(step, name, actual, fixture);
  }
  optimizer.release();
  for (const tensor of [...Object.values(tensors), positives, drawn]) stream.release(tensor);
}

/** The 10 best items after `input/labels`; `pred_rated` leaves out the items of `input/model_input`. */
async function comparePredictions(model: Model, fixture: Fixture, rows: Rows, file: string): Promise<void> {
  const { stream, config } = model;
  const { num_items: N, embedding_dim: D } = config;
  const { batch: B, seq, pad } = fixture.meta;
  const labels = fixture.numbers('input/labels');
  const { batch } = withoutPadding(fixture, labels, file);
  checkBatch(batch, config);
  const hidden = await stream.scope(() => {
    const ids = stream.upload(batch.ids, [batch.tokens]);
    const spans = stream.upload(batch.spans, [batch.tokens, 2]);
    return stream.read(model.encode(new Tape(stream, false), { ids, spans }));
  });
  // A row of padding is zero before the last norm, so only that norm's bias remains of it.
  const bias = fixture.parameters('param').get('seq_norm.bias')!.data;
  const last = new Float32Array(B * D);
  let tokens = 0;
  for (let row = 0; row < B; row++) {
    const items = Array.from({ length: seq }, (_, i) => labels[row * seq + i]).filter((id) => id !== pad);
    tokens += items.length;
    last.set(items.length > 0 ? (hidden as Float32Array).subarray((tokens - 1) * D, tokens * D) : bias, row * D);
  }
  const inputs = fixture.numbers('input/model_input');
  const seen = Array.from({ length: B }, (_, row) =>
    Uint32Array.from({ length: seq }, (_, i) => inputs[row * seq + i]),
  );
  const words = seenWords(N);
  const k = Math.min(TOP, N);
  for (const [name, excluded] of [
    ['pred', new Uint32Array(B * words)],
    ['pred_rated', seenBits(seen, N)],
  ] as const) {
    const reads = stream.scope(() => {
      const best = topK(
        stream,
        stream.upload(last, [B, D]),
        model.outputTable,
        stream.upload(excluded, [B, words]),
        N,
        k,
      );
      return [stream.download(best.ids), stream.download(best.scores)];
    });
    stream.submit();
    const [ids, scores] = await Promise.all(reads);
    rows.ranking(name, ids!, scores!, fixture);
  }
}

function downloadAll(stream: Stream, parameters: ReadonlyMap<string, Tensor>, of: (parameter: Tensor) => Tensor) {
  return [...parameters].map(
    async ([name, parameter]): Promise<[string, HostArray]> => [name, await stream.download(of(parameter))],
  );
}

/** The rows of `width` numbers at the padded positions `at`. */
function pick(values: ArrayLike<number>, at: readonly number[], width: number): number[] {
  return at.flatMap((i) => Array.from({ length: width }, (_, j) => values[i * width + j]));
}

/** The comparisons made so far. */
class Rows {
  readonly list: ParityRow[] = [];

  values(
    name: string,
    actual: ArrayLike<number>,
    expected: ArrayLike<number>,
    limit: number,
    unit: ParityRow['unit'],
  ): void {
    const scale = unit === 'absolute' ? 1 : largest(expected);
    this.#add({ name, difference: apart(actual, expected) / scale, limit, unit });
  }

  gradient(name: string, actual: HostArray, fixture: Fixture): void {
    const official = fixture.parameters('grad');
    // Softmax does not change when all keys of a row move together, so a key bias has no gradient: only rounding is seen.
    const zero = name.endsWith('key_proj.bias');
    const scale = largest(official.get(zero ? name.replace('bias', 'weight') : name)!.data);
    const difference = apart(actual, official.get(name)!.data) / scale;
    const note = zero ? 'truly zero; compared on the scale of its weight' : undefined;
    this.#add({ name: `grad/${name}`, difference, limit: GRADIENT, unit: 'of the largest', ...(note && { note }) });
  }

  adam(step: number, name: string, actual: HostArray, fixture: Fixture): void {
    const expected = fixture.parameters(`adam${step}`).get(name)!.data;
    const beyond = expected.reduce((count, value, i) => count + (Math.abs(value - actual[i]) > ADAM_MOST ? 1 : 0), 0);
    const exempt = name.endsWith('key_proj.bias');
    const note = exempt ? 'exempt: moved by the rounding of a gradient that is truly zero' : undefined;
    const common = { name: `adam${step}/${name}`, ...(note && { note }) };
    this.#add({
      ...common,
      difference: apart(actual, expected),
      limit: exempt ? Infinity : ADAM_ALL,
      unit: 'absolute',
    });
    if (!exempt)
      this.#add({
        ...common,
        difference: beyond / expected.length,
        limit: ADAM_SHARE,
        unit: 'beyond 1e-5, share of elements',
      });
  }

  /** Ids must be the official ones, in order. Two whose official scores are equal within f32 may swap places. */
  ranking(name: string, ids: HostArray, scores: HostArray, fixture: Fixture): void {
    const officialIds = fixture.numbers(`${name}/ids`);
    const officialScores = fixture.numbers(`${name}/scores`);
    const perRow = officialIds.length / fixture.meta.batch;
    const k = ids.length / fixture.meta.batch;
    let wrong = 0;
    for (let row = 0; row < fixture.meta.batch; row++) {
      for (let i = 0; i < Math.min(k, perRow); i++) {
        const official = officialScores[row * perRow + i];
        if (!Number.isFinite(official)) continue; // fewer items than places: the rest is arbitrary
        const same = ids[row * k + i] === officialIds[row * perRow + i];
        const tied = Math.abs(scores[row * k + i] - official) <= HIDDEN * Math.max(1, Math.abs(official));
        if (!same && !tied) wrong++;
      }
    }
    this.#add({ name: `${name}/ids`, difference: wrong, limit: 0, unit: 'ids' });
  }

  #add(row: Omit<ParityRow, 'ok'>): void {
    this.list.push({ ...row, ok: row.difference <= row.limit });
  }
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most || 1;
}

/** The largest absolute difference; NaN if a number is missing or NaN. */
function apart(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) return Number.NaN;
    most = Math.max(most, difference);
  }
  return most;
}
