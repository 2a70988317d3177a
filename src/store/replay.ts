import { InputError } from '../base/errors.js';
import type { TrainingBatch } from '../data/batches.js';
import { checkBatch } from '../data/check-batch.js';
import { Sequences } from '../data/dataset.js';
import { parameterShapes } from '../model/config.js';
import { architectureOf } from '../model/registry.js';
import { parseConfig } from '../train/config.js';
import type { DivergedStep } from '../train/run-store.js';
import { checkFormat, FORMAT, floatTensors, matchTensors, parseCount, parseField } from './checkpoint.js';
import { type HostTensor, readSafetensors, type TensorFile, writeSafetensors } from './safetensors.js';

const PARAM = 'param/';
const BATCH = 'batch/';
const HISTORIES = `${BATCH}histories`;
const HISTORY_OFFSETS = `${BATCH}history_offsets`;
const COUNTS = 'counts';

/** Writes a step for `gsas-wgpu replay`, whole or not at all: the weights before it, as param/NAME, its batch, and what its negatives are drawn by. */
export function saveReplay(file: string, { config, step, weights, batch, counts }: DivergedStep): void {
  const { rows, ids, targets, spans } = batch;
  const tensors = floatTensors(PARAM, weights);
  for (const [name, data] of Object.entries({ ids, targets, spans }))
    tensors.set(BATCH + name, { dtype: 'U32', shape: [data.length], data });
  if (batch.weights)
    tensors.set(`${BATCH}weights`, { dtype: 'F32', shape: [batch.weights.length], data: batch.weights });
  if (batch.histories) {
    const { items, offsets } = Sequences.from(batch.histories);
    tensors.set(HISTORIES, { dtype: 'U32', shape: [items.length], data: items });
    tensors.set(HISTORY_OFFSETS, { dtype: 'U32', shape: [offsets.length], data: offsets });
  }
  if (counts) tensors.set(COUNTS, { dtype: 'F64', shape: [counts.length], data: counts });
  const metadata = { format: String(FORMAT), config: JSON.stringify(config), step: String(step), rows: String(rows) };
  writeSafetensors(file, tensors, metadata);
}

/** Reads what `saveReplay` wrote. @throws InputError for another file, or one that is damaged */
export function loadReplay(file: string): DivergedStep {
  const content = readSafetensors(file);
  checkFormat(content, file);
  const { tensors } = content;
  const expected = ['ids', 'targets', 'spans'].map((name) => BATCH + name);
  if (expected.some((name) => tensors.get(name)?.dtype !== 'U32'))
    throw new InputError(`${file}: holds no step to replay; name the file that a run wrote when it ended`);
  const config = parseConfig(parseField(content, 'config', file), file);
  const named = [...tensors].filter(([name]) => name.startsWith(PARAM));
  const own = new Map(named.map(([name, tensor]): [string, HostTensor] => [name.slice(PARAM.length), tensor]));
  const weights = matchTensors({ ...content, tensors: own }, parameterShapes(config), file);
  const [ids, targets, spans] = expected.map((name) => tensors.get(name)!.data as Uint32Array);
  const tokenWeights = tensors.get(`${BATCH}weights`);
  const batch: TrainingBatch = {
    ...{ rows: parseCount(content, 'rows', file), tokens: ids.length, ids, targets, spans },
    ...(tokenWeights?.dtype === 'F32' && { weights: tokenWeights.data }),
    ...historiesIn(content),
  };
  if (targets.length !== ids.length || spans.length !== 2 * ids.length)
    throw new InputError(
      `${file}: its batch has ${ids.length} ids, ${targets.length} targets and ${spans.length} spans`,
    );
  checkBatch(batch, config, architectureOf(config).task(config));
  const counts = tensors.get(COUNTS);
  if (counts && (counts.dtype !== 'F64' || counts.data.length !== config.num_items + 1))
    throw new InputError(
      `${file}: its counts are ${counts.dtype} [${counts.shape}], but the model has ${config.num_items} items`,
    );
  return { config, step: parseCount(content, 'step', file), weights, batch, ...(counts && { counts: counts.data }) };
}

function historiesIn({ tensors }: TensorFile): Pick<TrainingBatch, 'histories'> {
  const [items, offsets] = [HISTORIES, HISTORY_OFFSETS].map((name) => tensors.get(name));
  if (items?.dtype !== 'U32' || offsets?.dtype !== 'U32') return {};
  const histories = new Sequences(items.data, offsets.data);
  return { histories: Array.from({ length: histories.count }, (_, row) => histories.at(row)) };
}
