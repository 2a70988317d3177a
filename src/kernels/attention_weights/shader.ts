import { program } from '../../engine/program.js';
import { float, wgsl } from '../../engine/wgsl.js';
import { type Team, teamMain, teamWgsl } from '../team.js';

/**
 * One team per query and head, one lane per key: scores go to memory and come back as weights. For explanations, not for training: bound
 * by the loads of k, since every lane walks another row.
 */
export const attentionWeightsShader = program(
  'attention_weights',
  ({ heads, headSize, team }: { heads: number; headSize: number; team: Team }) => wgsl`${teamWgsl(team)}
const HEADS = ${heads}u;
const SIZE = ${headSize}u;
struct Params { Q: u32, T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>; // [Q, D]
@group(0) @binding(2) var<storage, read> k: array<f32>; // [T, D]
@group(0) @binding(3) var<storage, read> spans: array<vec2<u32>>; // [Q, 2]
@group(0) @binding(4) var<storage, read_write> weights: array<f32>; // [H, T]
${teamMain(team)}
  let inside = team < params.Q * HEADS; // teams past the end have no keys
  let query = select(0u, team / HEADS, inside);
  let head = select(0u, team % HEADS, inside);
  let span = select(vec2u(), spans[query], inside);

  var largest = -3.0e38f;
  for (var key = span.x + lane; key < span.y; key += LANES) {
    var score = 0.0;
    for (var d = head * SIZE; d < (head + 1u) * SIZE; d++) {
      score += q[query * HEADS * SIZE + d] * k[key * HEADS * SIZE + d];
    }
    score *= ${float(1 / Math.sqrt(headSize))};
    weights[head * params.T + key] = score;
    largest = max(largest, score);
  }
  largest = team_max(largest, lane);
  var sum = 0.0;
  for (var key = span.x + lane; key < span.y; key += LANES) { sum += exp(weights[head * params.T + key] - largest); }
  let inverse = 1.0 / team_sum(sum, lane);
  for (var key = span.x + lane; key < span.y; key += LANES) {
    let at = head * params.T + key;
    weights[at] = exp(weights[at] - largest) * inverse;
  }
}
`,
);
