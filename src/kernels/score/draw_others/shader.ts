import { PHILOX_WGSL } from '../../../base/philox.js';
import { program } from '../../../engine/program.js';
import { mainWgsl, wgsl } from '../../../engine/wgsl.js';

export const WORKGROUP = 64;

/** Rounds of the permutation, a multiple of 8. On a handful of items 12 are too few for all orders to be equally likely; 24 suffice. */
export const ROUNDS = 24;

/**
 * One invocation per four slots of a list. Bound by the arithmetic of the permutation.
 *
 * Items that are not in the sequence are numbered 0 … M - 1 in ascending order. A slot's number is drawn from these or, without replacement, is the
 * slot's own place under a permutation of them: a Feistel network on pairs (left, right) with left < a, right < b and a b just above M, walked
 * until it is back below M (Black and Rogaway, CT-RSA 2002, the generalised Feistel and cycle-walking ciphers). So distinct slots have distinct items and
 * nothing is stored.
 */
export const drawOthersShader = program(
  'score.draw_others',
  ({ replaced }: { replaced: boolean }) => wgsl`
${PHILOX_WGSL}
struct Params { G: u32, k: u32, W: u32, N: u32, seed: u32, step: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> own: array<u32>; // the sequences' items, each once, ascending
@group(0) @binding(2) var<storage, read> starts: array<u32>; // [G + 1] where in own those of each begin
@group(0) @binding(3) var<storage, read> keys: array<u32>; // [G] the sequence's first token in the whole batch
@group(0) @binding(4) var<storage, read_write> ids: array<u32>; // [G, W]; 0 where there is none
/// The item that is number x of those not in the sequence.
fn other(x: u32, start: u32, end: u32) -> u32 {
  var low = start; // items of the sequence before this one are below the item
  var high = end;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (own[middle] - (middle - start) - 1u <= x) { low = middle + 1u; } else { high = middle; }
  }
  return x + 1u + (low - start);
}
#if ${!replaced}
fn mixed(value: u32) -> u32 {
  var x = value;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}
/// The least a with a^2 >= items, whatever the adapter's square root; and the least b with a b >= items.
fn sizes_of(items: u32) -> vec2u {
  var a = u32(sqrt(f32(items)));
  while (a * a >= items) { a--; }
  while (a * a < items) { a++; }
  return vec2u(a, (items + a - 1u) / a);
}
/// Eight rounds of the network.
fn rounds(pair: vec2u, sizes: vec2u, key: vec4u, more: vec4u) -> vec2u {
  var p = pair;
  for (var i = 0u; i < 8u; i += 2u) {
    let k = select(key, more, i >= 4u);
    p.x += multiply_high(mixed(p.y ^ k[i & 3u]), sizes.x);
    p.x -= select(0u, sizes.x, p.x >= sizes.x);
    p.y += multiply_high(mixed(p.x ^ k[(i & 3u) + 1u]), sizes.y);
    p.y -= select(0u, sizes.y, p.y >= sizes.y);
  }
  return p;
}
#endif
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  let quads = params.W / 4u;
  let list = i / quads;
  if (list >= params.G) { return; }
  let start = starts[list];
  let end = starts[list + 1u];
  let items = params.N - (end - start); // M
  let key = vec2u(params.seed, params.step);
#if ${replaced}
  let size = select(params.k, 0u, items == 0u);
  let words = philox(vec4u(i % quads, keys[list], 0u, 3u), key);
#else
  let size = min(params.k, items);
  let sizes = sizes_of(max(1u, items));
  var keys_of: array<vec4u, ${ROUNDS / 4}>;
  for (var r = 0u; r < ${ROUNDS / 4}u; r++) { keys_of[r] = philox(vec4u(r, keys[list], 0u, 4u), key); }
#endif
  for (var j = 0u; j < 4u; j++) {
    let slot = i % quads * 4u + j;
    var id = 0u;
    if (slot < size) {
#if ${replaced}
      let x = multiply_high(words[j], items);
#else
      var x = slot;
      loop {
        var pair = vec2u(x % sizes.x, x / sizes.x);
        for (var r = 0u; r < ${ROUNDS / 4}u; r += 2u) { pair = rounds(pair, sizes, keys_of[r], keys_of[r + 1u]); }
        x = pair.y * sizes.x + pair.x;
        if (x < items) { break; }
      }
#endif
      id = other(x, start, end);
    }
    ids[list * params.W + slot] = id;
  }
}
`,
);
