import { InputError } from '../../../base/errors.js';
import { multiplyHigh, PHILOX_WGSL, philox4x32 } from '../../../base/philox.js';
import type { DrawingSampler, SequenceRows } from '../sampler.js';

/**
 * Uniform on the items that are not the user's own: what drawing again until an item is not among them comes to, without drawing twice. Of N - n
 * items that are left, the one of rank r = floor((N - n) u / 2^32) is 1 + r + the number of own items below it, which a binary search finds.
 */
export const uniformReject = {
  name: 'uniform-reject',
  help: "every item equally likely but the user's own, which are never drawn",
  formula:
    "ids[t, j] = the item of rank floor((N - n) u / 2^32) among those that are not among the user's n, u word j mod 4 of Philox((floor(j / 4), t, 0, 1), (seed, step))",
  options: {},
  source: { from: 'histories', words: sourceWords },
  params: 'items: u32, seed: u32, step: u32, first: u32,',
  wgsl: (binding) => /* wgsl */ `${PHILOX_WGSL}
@group(0) @binding(${binding}) var<storage, read> source: array<u32>; // [T, 2] start and length of each token's list, then the lists
fn left_item(rank: u32, start: u32, count: u32) -> u32 {
  var low = 0u; // own items below the one that is looked for: at least so many
  var high = count;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (source[start + middle] <= rank) { low = middle + 1u; } else { high = middle; }
  }
  return 1u + rank + low;
}
fn candidates4(t: u32, quad: u32) -> vec4u {
  let words = philox(vec4u(quad, params.first + t, 0u, 1u), vec2u(params.seed, params.step));
  let start = source[2u * t];
  let count = source[2u * t + 1u];
  var ids: vec4u;
  for (var j = 0u; j < 4u; j++) { ids[j] = left_item(multiply_high(words[j], params.items - count), start, count); }
  return ids;
}
`,
  corrections: {
    standard: "the positive is one of the user's own items, which are never drawn, so that it has no log q",
    corrected: true,
  },
  logQ: 'fn log_q_of(t: u32, id: u32) -> f32 { return -log(f32(params.items - source[2u * t + 1u])); }\n',
  logQOf: (t, _id, numItems, source = new Uint32Array()) => -Math.log(numItems - source[2 * t + 1]),
  args: ({ seed, step, first = 0 }, numItems) => ({ items: numItems, seed, step, first }),
  reference({ seed, step, first = 0 }, { T, k, numItems }, _, source = new Uint32Array()) {
    const ids = new Uint32Array(T * k);
    for (let t = 0; t < T; t++) {
      const [start, count] = source.subarray(2 * t);
      const below = source.subarray(start, start + count);
      for (let slot = 0; slot < k; slot += 4) {
        philox4x32([slot / 4, first + t, 0, 1], [seed, step]).forEach((word, i) => {
          const rank = multiplyHigh(word, numItems - count);
          if (slot + i < k) ids[t * k + slot + i] = 1 + rank + below.filter((left) => left <= rank).length;
        });
      }
    }
    return ids;
  },
} satisfies DrawingSampler;

/** A user's list has, for each own item in ascending order, how many items below it are left. */
function sourceWords({ spans, histories }: SequenceRows, numItems: number): Uint32Array {
  const T = spans.length / 2;
  const lists = histories.map((items, row) => {
    const own = items // a row may hold ids that are no items, such as a mask's
      .slice()
      .sort()
      .filter((item, i, sorted) => item <= numItems && (i === 0 || item !== sorted[i - 1]));
    if (own.length < numItems) return own.map((item, i) => item - 1 - i);
    throw new InputError(
      `row ${row} is of a user who has all ${numItems} items, so that uniform-reject has none left to draw; set negatives to uniform`,
    );
  });
  const words = new Uint32Array(2 * T + lists.reduce((sum, { length }) => sum + length, 0));
  let at = 2 * T;
  for (let t = 0, row = 0; t < T; row++) {
    for (const end = spans[2 * t + 1]; t < end; t++) words.set([at, lists[row].length], 2 * t);
    words.set(lists[row], at);
    at += lists[row].length;
  }
  return words;
}
