import { InputError } from '../../base/errors.js';
import { quoted } from '../../base/printable.js';
import { sizeOf } from '../../engine/tensor.js';
import type { HostParameters } from '../../model/parameters.js';
import { FLOATS } from './floats.js';
import { Global, type Pickled, unpickle } from './unpickle.js';
import { ZipFile } from './zip.js';

/**
 * State dicts in files of torch.save (since torch 1.6): a zip archive with a pickle, NAME/data.pkl, that describes the
 * tensors, and their storages as raw bytes, NAME/data/KEY (github pytorch/pytorch, torch/serialization.py and
 * torch/_utils.py: _rebuild_tensor_v2).
 */

const STORAGE = /^torch\.(\w+Storage)$/;
const PARAMETER = /^[\w.]+$/;
/** Some 300 bytes a tensor. */
const MAX_PICKLE_BYTES = 2 ** 20;
/** Numbers read for each byte of the file: views of one storage may overlap. */
const MOST_READINGS = 4;

interface Storage {
  /** FloatStorage, LongStorage, … */
  readonly type: string;
  readonly key: string;
  /** Elements. */
  readonly length: number;
}

/** A view of a storage, strides in elements. */
class TorchTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A state dict whose tensors are described but not read yet. Close it after use. */
export class StateDict {
  readonly #zip: ZipFile;
  readonly #folder: string;
  readonly #tensors: ReadonlyMap<string, TorchTensor>;

  /** @throws InputError for a file that is not a zip, holds no pickled state dict, or is big-endian */
  constructor(readonly file: string) {
    this.#zip = new ZipFile(file);
    try {
      const pickle = this.#zip.names.find((name) => /^[^/]+\/data\.pkl$/.test(name));
      if (pickle === undefined)
        throw new InputError(`${file}: is a zip archive but no file of torch.save: no data.pkl`);
      this.#folder = pickle.slice(0, -'data.pkl'.length);
      this.#checkByteOrder();
      this.#tensors = this.#readPickle(pickle);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#zip.close();
  }

  /** Shapes by name, in the file's order. */
  get shapes(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#tensors].map(([name, { shape }]) => [name, shape]));
  }

  /**
   * The values of all tensors, row-major, as float32.
   * @throws InputError for a dtype that is not floating point, and for a tensor that reaches beyond its storage
   */
  read(): HostParameters {
    const elements = [...this.#tensors.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (elements > this.#zip.size) {
      throw new InputError(
        `${this.file}: describes ${elements} numbers, more than its ${this.#zip.size} bytes can hold`,
      );
    }
    const spanned = [...this.#tensors.values()].reduce((sum, tensor) => sum + spanOf(tensor), 0);
    if (spanned > MOST_READINGS * this.#zip.size) {
      throw new InputError(
        `${this.file}: its tensors are spread over ${spanned} numbers, far more than its ${this.#zip.size} bytes hold; save contiguous ones`,
      );
    }
    return new Map(
      [...this.#tensors].map(([name, tensor]) => [name, { shape: tensor.shape, data: this.#values(name, tensor) }]),
    );
  }

  #values(name: string, { storage, offset, shape, strides }: TorchTensor): Float32Array {
    const wrong = (what: string) => new InputError(`${this.file}: tensor ${name} ${what}`);
    const kind = FLOATS[storage.type];
    if (kind === undefined) {
      throw wrong(`is of ${storage.type}; known are ${Object.keys(FLOATS).join(', ')}`);
    }
    const record = `${this.#folder}data/${storage.key}`;
    const stored = this.#zip.sizeOf(record);
    if (stored === undefined) throw wrong(`is in the record ${JSON.stringify(record)}, which is missing`);
    if (stored !== storage.length * kind.bytes) {
      throw wrong(`is in ${storage.length} elements of ${storage.type}, but their record has ${stored} bytes`);
    }
    const count = sizeOf(shape);
    const last = offset + spanOf({ shape, strides }) - 1;
    if (count > 0 && (last >= storage.length || count > storage.length)) {
      throw wrong(
        `of shape [${shape}] and strides [${strides}] from ${offset} is not within its ${storage.length} elements`,
      );
    }
    if (count === 0) return new Float32Array(0);
    const bytes = this.#zip.read(record, offset * kind.bytes, (last + 1 - offset) * kind.bytes);
    if (storage.type === 'FloatStorage' && isContiguous(shape, strides)) return new Float32Array(bytes.buffer);
    const data = new Float32Array(count);
    const view = new DataView(bytes.buffer);
    const index = shape.map(() => 0);
    for (let i = 0, from = 0; i < count; i++) {
      data[i] = kind.at(view, from * kind.bytes);
      // The next index in row-major order, and where it is stored.
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += strides[axis];
        if (++index[axis] < shape[axis]) break;
        from -= shape[axis] * strides[axis];
        index[axis] = 0;
      }
    }
    return data;
  }

  #checkByteOrder(): void {
    const name = `${this.#folder}byteorder`;
    const size = this.#zip.sizeOf(name) ?? 0;
    if (size === 0) return; // torch before 2.1 does not say
    const order = this.#zip.read(name, 0, Math.min(size, 16)).toString('latin1');
    if (order !== 'little') {
      throw new InputError(
        `${this.file}: was saved on a ${JSON.stringify(order)}-endian machine; save it on a little-endian one`,
      );
    }
  }

  #readPickle(record: string): Map<string, TorchTensor> {
    const size = this.#zip.sizeOf(record)!;
    if (size > MAX_PICKLE_BYTES) {
      throw new InputError(`${this.file}: its pickle has ${size} bytes, too many for a state dict`);
    }
    const value = unpickle(this.#zip.read(record), worldOf(this.file), this.file);
    if (!(value instanceof Map)) throw new InputError(`${this.file}: holds no state dict; save model.state_dict()`);
    const tensors = new Map<string, TorchTensor>();
    for (const [name, tensor] of value) {
      if (typeof name !== 'string' || !PARAMETER.test(name) || !(tensor instanceof TorchTensor)) {
        const shown = typeof name === 'string' ? quoted(name) : 'key that is no text';
        throw new InputError(
          `${this.file}: holds no state dict, for its ${shown} is no parameter; save model.state_dict() alone`,
        );
      }
      tensors.set(name, tensor);
    }
    return tensors;
  }
}

/** Elements of a storage from a tensor's first to its last. */
function spanOf({ shape, strides }: Pick<TorchTensor, 'shape' | 'strides'>): number {
  return shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], 1);
}

/** What a state dict's pickle may name: constructors of dicts and tensors, and the storages' types. */
function worldOf(file: string) {
  const functions = new Map<string, (args: readonly Pickled[]) => Pickled>([
    ['collections.OrderedDict', () => new Map()],
    ['torch._utils._rebuild_tensor_v2', (args) => rebuildTensor(args, file)],
    ['torch._utils._rebuild_parameter', ([tensor]) => tensor ?? null],
  ]);
  return {
    functions,
    isType: (name: string) => STORAGE.test(name),
    persistent: (id: Pickled) => storageOf(id, file),
  };
}

/** ('storage', type, key, device, elements) */
function storageOf(id: Pickled, file: string): Storage {
  const [tag, type, key, , length] = Array.isArray(id) ? id : [];
  const name = type instanceof Global ? STORAGE.exec(type.name)?.[1] : undefined;
  if (tag === 'storage' && name !== undefined && typeof key === 'string' && isSize(length)) {
    return { type: name, key, length };
  }
  throw new InputError(`${file}: its pickle describes no storage where one should be; it is damaged`);
}

/** (storage, offset, sizes, strides, requires_grad, hooks) */
function rebuildTensor([storage, offset, shape, strides]: readonly Pickled[], file: string): TorchTensor {
  const fine = isSize(offset) && isSizes(shape) && isSizes(strides) && shape.length === strides.length;
  if (fine && typeof storage === 'object' && storage !== null && 'key' in storage) {
    return new TorchTensor(storage as Storage, offset, shape, strides);
  }
  throw new InputError(
    `${file}: its pickle describes a tensor with no storage or with impossible sizes; it is damaged`,
  );
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}

/** Row-major without holes, so that the elements lie one behind the other. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  return shape.every((size, axis) => size === 1 || strides[axis] === sizeOf(shape.slice(axis + 1)));
}
