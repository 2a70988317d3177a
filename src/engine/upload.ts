import type { Stream } from './stream.js';
import type { Tensor } from './tensor.js';

/** Where in a buffer a view may begin: at a multiple of so many elements, see `Stream.view`. */
export const VIEW_STEP = 64;

/**
 * Uploads several matrices of ids at once, as views of one buffer: an upload in the middle of a step may have to submit what was recorded before.
 * @param matrices their elements, and how many columns they have; without columns, vectors
 * @returns a handle for each, which the caller releases
 */
export function uploadTogether(stream: Stream, ...matrices: (readonly [Uint32Array, columns?: number])[]): Tensor[] {
  let size = 0;
  const places = matrices.map(([data]) => {
    const at = size;
    size += VIEW_STEP * Math.ceil(data.length / VIEW_STEP);
    return at;
  });
  const all = new Uint32Array(size);
  matrices.forEach(([data], i) => {
    all.set(data, places[i]);
  });
  const uploaded = stream.upload(all, [size]);
  const views = matrices.map(([data, columns], i) =>
    stream.view(uploaded, columns ? [data.length / columns, columns] : [data.length], places[i]),
  );
  stream.release(uploaded);
  return views;
}
