import { sizeOf } from '../../engine/tensor.js';
import type { HostParameters } from '../../model/parameters.js';
import { writeZip } from './zip.js';

/** Writes a state dict that torch.load reads, also with weights_only=True. @throws InputError beyond 4 GiB */
export function writeStateDict(file: string, weights: HostParameters): void {
  const tensors = [...weights];
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);
  writeZip(file, [
    ['archive/data.pkl', pickleStateDict(tensors.map(([name, { shape }]) => [name, shape]))],
    ['archive/byteorder', Buffer.from('little')],
    ...tensors.map(([, { data }], i) => [`archive/data/${i}`, bytes(data)] as const),
    ['archive/version', Buffer.from('3\n')],
  ]);
}

/** The pickle, protocol 2, of an OrderedDict of contiguous float32 tensors, tensor i in the storage of key i. */
function pickleStateDict(tensors: readonly (readonly [string, readonly number[]])[]): Buffer {
  const parts: (string | Buffer)[] = ['\x80\x02ccollections\nOrderedDict\n)R('];
  for (const [i, [name, shape]] of tensors.entries()) {
    const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    parts.push(
      text(name),
      'ctorch._utils\n_rebuild_tensor_v2\n((',
      ...[text('storage'), 'ctorch\nFloatStorage\n', text(String(i)), text('cpu'), integer(sizeOf(shape)), 'tQ'],
      integer(0),
      ...['(', ...shape.map(integer), 't(', ...strides.map(integer), 't'],
      '\x89ccollections\nOrderedDict\n)RtR',
    );
  }
  return Buffer.concat([...parts, 'u.'].map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

/** BINUNICODE */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const start = Buffer.from('X\0\0\0\0', 'latin1');
  start.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([start, bytes]);
}

/** BININT: below 2^31, as all sizes within 4 GiB of float32 are */
function integer(value: number): Buffer {
  const bytes = Buffer.from('J\0\0\0\0', 'latin1');
  bytes.writeInt32LE(value, 1);
  return bytes;
}
