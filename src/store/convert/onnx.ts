import { InputError } from '../../base/errors.js';
import { isUnit, temperatureOf } from '../../kernels/score/similarity.js';
import { gsasrec } from '../../model/gsasrec.js';
import type { HostParameters } from '../../model/parameters.js';
import { architectureOf } from '../../model/registry.js';
import type { Checkpoint } from '../../train/checkpoint.js';
import type { TrainConfig } from '../../train/config.js';
import { writeWhole } from '../files.js';
import { OnnxGraph, type OnnxValue } from './onnx-model.js';

/** A protobuf message is smaller than 2 GiB. This much of it is reserved for everything but the weights. */
const MAX_WEIGHT_BYTES = 2 ** 31 - 2 ** 20;
const END = Number.MAX_SAFE_INTEGER;
/** Used instead of -inf, so that the softmax of a row of padding is defined: its exp is 0 beside any score. */
const HIDDEN = -1e30;
/** A row counts as this long if it is shorter, see `scaleRows`. */
const SHORTEST = 1e-12;

/** The architectures that can be written, and how. */
const GRAPHS: Readonly<Record<string, (config: TrainConfig, weights: HostParameters) => OnnxGraph>> = {
  [gsasrec.name]: gsasrecGraph,
};

/**
 * Writes a checkpoint's model as ONNX: from item ids, padded on the left, to scores of the next item.
 *
 * Input `items` is int64 [batch, length] of any length. Of more than sequence_length columns the last ones count, and the last column is the latest item
 * whatever the length, as in `recommend`. Outputs are `scores` float [batch, num_items], column j being item j + 1, and `hidden` float
 * [batch, embedding_dim], whose dot products with the table in the file are the scores: similarity and temperature are worked into both.
 * @throws InputError for a model of 2 GiB or more, which is ONNX's limit
 */
export function writeOnnx(file: string, { config, weights }: Checkpoint): void {
  checkBytes(
    [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0),
    file,
  );
  const graphOf = GRAPHS[config.model];
  if (!graphOf) {
    const known = Object.keys(GRAPHS).join(', ');
    throw new InputError(
      `${file}: ONNX can be written of ${known}, not of ${config.model}; convert it to .safetensors`,
    );
  }
  const { inputs, outputs } = onnxInterface(config);
  const metadata = { config: JSON.stringify(config), padding_id: String(config.num_items + 1) };
  const graph = graphOf(config, weights);
  checkBytes(graph.dataBytes, file);
  writeWhole(file, [graph.encode(architectureOf(config).title, inputs, outputs, metadata)]);
}

function checkBytes(bytes: number, file: string): void {
  if (bytes <= MAX_WEIGHT_BYTES) return;
  throw new InputError(`${file}: the weights have ${bytes} bytes, but ONNX keeps at most 2 GiB in a file`);
}

/** The inputs and outputs of a model that `writeOnnx` writes. */
export function onnxInterface(config: TrainConfig): { inputs: readonly OnnxValue[]; outputs: readonly OnnxValue[] } {
  const { num_items: N, embedding_dim: D } = config;
  const items: OnnxValue = {
    name: 'items',
    type: 'int64',
    shape: ['batch', 'length'],
    doc: `item ids 1..${N}, oldest first, padded on the left; the padding id is ${N + 1}`,
  };
  const scores: OnnxValue = {
    name: 'scores',
    type: 'float',
    shape: ['batch', N],
    doc: 'scores of the next item; column j is item j + 1',
  };
  const hidden: OnnxValue = {
    name: 'hidden',
    type: 'float',
    shape: ['batch', D],
    doc: "the hidden state behind the scores, its dot products with the output table's rows",
  };
  return { inputs: [items], outputs: [scores, hidden] };
}

/** The forward pass of gSASRec (src/model/gsasrec.ts) over padded rows: x is [batch * length, D] between the blocks. */
function gsasrecGraph(config: TrainConfig, weights: HostParameters): OnnxGraph {
  const { num_items: N, sequence_length: S, embedding_dim: D, num_heads: H, num_blocks } = config;
  const graph = new OnnxGraph();
  for (const [name, { shape, data }] of weights) graph.weights(name, shape, data);
  const flat = (value: string) => graph.op('Reshape', [value, graph.ints([-1, D])]);
  const axis = (value: string, ...axes: number[]) => graph.op('Unsqueeze', [value, graph.ints(axes)]);

  const ids = graph.op('Slice', ['items', graph.ints([-S]), graph.ints([END]), graph.ints([1])]);
  const size = graph.op('Shape', [ids]);
  const length = graph.op('Gather', [size, graph.ints([1])]);
  // The last column has the last position, however many columns there are.
  const first = graph.op('Sub', [graph.ints([S]), length]);
  const positions = graph.op('Slice', ['position_embedding.weight', first, graph.ints([S]), graph.ints([0])]);
  const real = graph.op('Not', [graph.op('Equal', [ids, graph.ints(N + 1)])]);
  const keep = graph.op('Reshape', [graph.op('Cast', [real], { to: { int: 1 } }), graph.ints([-1, 1])]);
  const place = graph.op('Range', [graph.ints(0), graph.op('Squeeze', [length]), graph.ints(1)]);
  const causal = graph.op('GreaterOrEqual', [axis(place, 1), axis(place, 0)]);
  const visible = graph.op('And', [axis(real, 1, 2), causal]); // [batch, 1, length, length]
  const headed = graph.op('Concat', [size, graph.ints([H, D / H])], { axis: { int: 0 } });

  const norm = (name: string, x: string, output?: string) =>
    graph.op(
      'LayerNormalization',
      [x, `${name}.weight`, `${name}.bias`],
      { axis: { int: -1 }, epsilon: { float: 1e-5 } },
      output,
    );
  const linear = (name: string, x: string) =>
    graph.op('Gemm', [x, `${name}.weight`, `${name}.bias`], { transB: { int: 1 } });
  const heads = (x: string, perm: number[]) =>
    graph.op('Transpose', [graph.op('Reshape', [x, headed])], { perm: { ints: perm } });

  let x = flat(graph.op('Add', [graph.op('Gather', ['item_embedding.weight', ids]), positions]));
  x = graph.op('Mul', [x, keep]);
  for (let i = 0; i < num_blocks; i++) {
    const block = `transformer_blocks.${i}`;
    const normalised = norm(`${block}.first_norm`, x);
    const q = heads(linear(`${block}.multihead_attention.query_proj`, normalised), [0, 2, 1, 3]);
    const k = heads(linear(`${block}.multihead_attention.key_proj`, x), [0, 2, 3, 1]);
    const v = heads(linear(`${block}.multihead_attention.val_proj`, x), [0, 2, 1, 3]);
    const logits = graph.op('Div', [graph.op('MatMul', [q, k]), graph.scalar(Math.sqrt(D / H))]);
    const masked = graph.op('Where', [visible, logits, graph.scalar(HIDDEN)]);
    const mixed = graph.op('MatMul', [graph.op('Softmax', [masked], { axis: { int: -1 } }), v]);
    const attended = flat(graph.op('Transpose', [mixed], { perm: { ints: [0, 2, 1, 3] } }));
    const z = norm(`${block}.second_norm`, graph.op('Add', [attended, normalised]));
    const inner = graph.op('Relu', [linear(`${block}.dense1`, z)]);
    x = graph.op('Mul', [graph.op('Add', [linear(`${block}.dense2`, inner), z]), keep]);
  }
  const rows = graph.op('Reshape', [x, graph.op('Concat', [size, graph.ints([D])], { axis: { int: 0 } })]);
  const last = graph.op('Gather', [rows, graph.ints(-1)], { axis: { int: 1 } });
  const { table, hidden } = scoredGraph(graph, config, weights, (output) => norm('seq_norm', last, output));
  const all = graph.op('Gemm', [hidden, table], { transB: { int: 1 } });
  // Rows 0 and N + 1 of the table are not items.
  graph.op('Slice', [all, graph.ints([1]), graph.ints([N + 1]), graph.ints([1])], {}, 'scores');
  return graph;
}

/** The output table and the hidden state as `scored` makes them. @param last the last hidden state, under a name if one is given */
function scoredGraph(
  graph: OnnxGraph,
  config: TrainConfig,
  weights: HostParameters,
  last: (output?: string) => string,
): { table: string; hidden: string } {
  const [unit, temperature] = [isUnit(config), temperatureOf(config)];
  const name = architectureOf(config).outputTable(config);
  if (!unit && temperature === 1) return { table: name, hidden: last('hidden') };
  const norm = () => {
    const state = last();
    const length = graph.op('ReduceL2', [state], { axes: { ints: [-1] } });
    return graph.op('Div', [state, graph.op('Max', [length, graph.scalar(SHORTEST)])]);
  };
  const hidden = graph.op('Div', [unit ? norm() : last(), graph.scalar(temperature)], {}, 'hidden');
  if (!unit) return { table: name, hidden };
  const { shape, data } = weights.get(name)!;
  const own = name === 'output_embedding.weight'; // and not the input table as well
  return { table: graph.weights(own ? name : `${name}.unit`, shape, unitRows(data, shape[1])), hidden };
}

function unitRows(data: Float32Array, D: number): Float32Array {
  const rows = Float32Array.from(data);
  for (let at = 0; at < rows.length; at += D) {
    const length = Math.max(Math.hypot(...rows.subarray(at, at + D)), SHORTEST);
    for (let i = at; i < at + D; i++) rows[i] /= length;
  }
  return rows;
}
