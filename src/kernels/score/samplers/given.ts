import type { Tensor } from '../../../engine/tensor.js';
import type { Candidates, Sampler } from '../sampler.js';

/** Candidates that were chosen elsewhere and are read from a tensor [T, k]. */
export const given: Sampler = {
  name: 'given',
  params: '',
  wgsl: (binding) => /* wgsl */ `
@group(0) @binding(${binding}) var<storage, read> candidates: array<u32>; // [T, k]
fn candidates4(t: u32, quad: u32) -> vec4u {
  var ids = vec4u(0u);
  for (var j = 0u; j < 4u; j++) {
    if (4u * quad + j < params.k) { ids[j] = candidates[t * params.k + 4u * quad + j]; }
  }
  return ids;
}
`,
};

/** The candidates of a tensor. @param ids [T, k] u32, each an id of the table (not checked) */
export function givenCandidates(ids: Tensor): Candidates {
  return { sampler: given, k: ids.shape[1], args: () => ({ candidates: ids }) };
}
