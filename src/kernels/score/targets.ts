import { wgsl } from '../../engine/wgsl.js';

/**
 * Targets and their weights as the kernels take them, two words a token.
 * @param targets [T] ids
 * @param weights [T] the weight of each token's loss, 0 for one that has nothing to predict
 * @returns [T, 2], row-major
 */
export function packWeights(targets: Uint32Array, weights: Float32Array): Uint32Array {
  const packed = new Uint32Array(2 * targets.length);
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  targets.forEach((target, t) => {
    packed[2 * t] = target;
    packed[2 * t + 1] = bits[t];
  });
  return packed;
}

/** What `packWeights` has packed. */
export function unpackWeights(packed: Uint32Array): { positives: Uint32Array; weights: Float64Array } {
  const bits = packed.filter((_, i) => i % 2 === 1);
  return {
    positives: packed.filter((_, i) => i % 2 === 0),
    weights: Float64Array.from(new Float32Array(bits.buffer, bits.byteOffset, bits.length)),
  };
}

/**
 * WGSL: `target_of(t)`, the id of a token's positive, and `share_of(t)`, what its loss counts for: `params.scale` times its weight. Reads the
 * binding `targets`: array<u32>, [T] or weighted [T, 2].
 */
export function targetsWgsl(weighted: boolean): string {
  return wgsl`
#if ${weighted}
fn target_of(t: u32) -> u32 { return targets[2u * t]; }
fn share_of(t: u32) -> f32 { return params.scale * bitcast<f32>(targets[2u * t + 1u]); }
#else
fn target_of(t: u32) -> u32 { return targets[t]; }
fn share_of(t: u32) -> f32 { return params.scale; }
#endif
`;
}
