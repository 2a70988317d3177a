import { PbfWriter } from 'pbf';

/** The parts of ONNX's protobuf messages that our graphs need (github onnx/onnx, onnx/onnx.proto; field numbers are its own). */

/** Version 17 introduced LayerNormalization, together with format version 8. */
const OPSET = 17;
const IR_VERSION = 8;
const DATA_TYPES = { float: 1, int64: 7 } as const;
const ATTRIBUTE = { int: 2, float: 1, ints: 7 } as const;

/** An input or output: for each axis a size, or a name if the size is free. */
export interface OnnxValue {
  readonly name: string;
  readonly type: keyof typeof DATA_TYPES;
  readonly shape: readonly (number | string)[];
  readonly doc: string;
}

export type Attributes = Readonly<Record<string, { int: number } | { float: number } | { ints: readonly number[] }>>;

interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Attributes;
}

interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** Builds a graph. Operations are added in the order in which they run, and values are referred to by name. */
export class OnnxGraph {
  readonly #nodes: Node[] = [];
  readonly #initializers = new Map<string, Initializer>();

  /** Adds weights. @returns their name */
  weights(name: string, shape: readonly number[], data: Float32Array): string {
    this.#initializers.set(name, { name, shape, data });
    return name;
  }

  /** A constant. @returns its name */
  scalar(value: number): string {
    return this.weights(this.#constantName(), [], Float32Array.of(value));
  }

  /** An int64 constant of one axis, or of none for a single number. @returns its name */
  ints(values: readonly number[] | number): string {
    const name = this.#constantName();
    const shape = typeof values === 'number' ? [] : [values.length];
    this.#initializers.set(name, { name, shape, data: BigInt64Array.from([values].flat(), BigInt) });
    return name;
  }

  /** Adds an operation. @returns the name of its output, by default a fresh one */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    output = `${op}_${this.#nodes.length}`,
  ): string {
    this.#nodes.push({ op, inputs, output, attributes });
    return output;
  }

  /** Bytes of the weights and constants. */
  get dataBytes(): number {
    return [...this.#initializers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  }

  /** The model as the bytes of a .onnx file. */
  encode(
    name: string,
    inputs: readonly OnnxValue[],
    outputs: readonly OnnxValue[],
    metadata: Readonly<Record<string, string>>,
  ): Uint8Array {
    // Allocate everything at once: growing would copy the weights again and again.
    const pbf = new PbfWriter(
      new Uint8Array(this.dataBytes + 512 * (this.#nodes.length + this.#initializers.size) + 65536),
    );
    pbf.writeVarintField(1, IR_VERSION);
    pbf.writeStringField(2, 'gsas-wgpu');
    pbf.writeMessage(7, () => this.#encodeGraph(pbf, name, inputs, outputs), null);
    pbf.writeMessage(8, () => pbf.writeVarintField(2, OPSET), null);
    for (const [key, value] of Object.entries(metadata)) {
      pbf.writeMessage(
        14,
        () => {
          pbf.writeStringField(1, key);
          pbf.writeStringField(2, value);
        },
        null,
      );
    }
    return pbf.finish();
  }

  #constantName(): string {
    return `constant_${this.#initializers.size}`;
  }

  #encodeGraph(pbf: PbfWriter, name: string, inputs: readonly OnnxValue[], outputs: readonly OnnxValue[]): void {
    for (const node of this.#nodes) pbf.writeMessage(1, encodeNode, node);
    pbf.writeStringField(2, name);
    for (const initializer of this.#initializers.values()) pbf.writeMessage(5, encodeTensor, initializer);
    for (const input of inputs) pbf.writeMessage(11, encodeValue, input);
    for (const output of outputs) pbf.writeMessage(12, encodeValue, output);
  }
}

function encodeNode({ op, inputs, output, attributes }: Node, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input);
  pbf.writeStringField(2, output);
  pbf.writeStringField(3, output); // the node's own name, which quantization tools need
  pbf.writeStringField(4, op);
  for (const [name, value] of Object.entries(attributes)) {
    pbf.writeMessage(
      5,
      () => {
        pbf.writeStringField(1, name);
        if ('float' in value) pbf.writeFloatField(2, value.float);
        else if ('int' in value) pbf.writeVarintField(3, value.int);
        else for (const int of value.ints) pbf.writeVarintField(8, int);
        const kind = Object.keys(value)[0] as keyof typeof ATTRIBUTE;
        pbf.writeVarintField(20, ATTRIBUTE[kind]);
      },
      null,
    );
  }
}

function encodeTensor({ name, shape, data }: Initializer, pbf: PbfWriter): void {
  for (const size of shape) pbf.writeVarintField(1, size);
  pbf.writeVarintField(2, data instanceof Float32Array ? DATA_TYPES.float : DATA_TYPES.int64);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function encodeValue({ name, type, shape, doc }: OnnxValue, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, () => pbf.writeMessage(1, encodeTensorType, { type, shape }), null);
  pbf.writeStringField(3, doc);
}

function encodeTensorType({ type, shape }: Pick<OnnxValue, 'type' | 'shape'>, pbf: PbfWriter): void {
  pbf.writeVarintField(1, DATA_TYPES[type]);
  pbf.writeMessage(
    2,
    () => {
      for (const size of shape) {
        pbf.writeMessage(
          1,
          () => {
            if (typeof size === 'number') pbf.writeVarintField(1, size);
            else pbf.writeStringField(2, size);
          },
          null,
        );
      }
    },
    null,
  );
}
