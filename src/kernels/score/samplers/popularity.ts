import { multiplyHigh, PHILOX_WGSL, philox4x32 } from '../../../base/philox.js';
import type { DrawingSampler, ItemCounts } from '../sampler.js';
import { aliasTable } from './alias.js';

/** Each item as often as its count, raised to a power, says. Draws are independent of each other and of the positives. */
export const popularity = {
  name: 'popularity',
  help: 'items by how often they are targets in training, with replacement',
  formula:
    'ids[t, j] = i with probability count[i]^e / sum, by an alias table (Walker 1977): its column is word j mod 4 of Philox((floor(j / 4), t, 0, 1), (seed, step)), its coin that of Philox((floor(j / 4), t, 0, 2), (seed, step))',
  options: {
    popularity_exponent: {
      type: 'number',
      default: 1,
      min: 0,
      max: 4,
      help: 'negatives are drawn by popularity to this power: 1 is popularity itself, 0.75 is what word2vec has, 0 is uniform',
    },
  },
  source: {
    from: 'counts',
    words: (counts, { popularity_exponent }) => sourceWords(popularityOf(counts, popularity_exponent)),
  },
  params: 'items: u32, seed: u32, step: u32, first: u32,',
  wgsl: (binding) => /* wgsl */ `${PHILOX_WGSL}
@group(0) @binding(${binding}) var<storage, read> source: array<u32>; // [N, 2] threshold and alias of each column, then [N] log q as its bits
fn candidates4(t: u32, quad: u32) -> vec4u {
  let key = vec2u(params.seed, params.step);
  let words = philox(vec4u(quad, params.first + t, 0u, 1u), key);
  let coins = philox(vec4u(quad, params.first + t, 0u, 2u), key);
  var ids: vec4u;
  for (var j = 0u; j < 4u; j++) {
    let column = multiply_high(words[j], params.items);
    ids[j] = 1u + select(source[2u * column + 1u], column, coins[j] < source[2u * column]);
  }
  return ids;
}
`,
  varies: true,
  corrections: { standard: true, corrected: true },
  logQ: 'fn log_q_of(t: u32, id: u32) -> f32 { return bitcast<f32>(source[2u * params.items + id - 1u]); }\n',
  logQOf: (_t, id, numItems, source = new Uint32Array()) =>
    new Float32Array(source.buffer, source.byteOffset + 4 * (2 * numItems + id - 1), 1)[0],
  args: ({ seed, step, first = 0 }, numItems) => ({ items: numItems, seed, step, first }),
  reference({ seed, step, first = 0 }, { T, k, numItems }, _, source = new Uint32Array()) {
    const ids = new Uint32Array(T * k);
    for (let t = 0; t < T; t++) {
      for (let slot = 0; slot < k; slot += 4) {
        const coins = philox4x32([slot / 4, first + t, 0, 2], [seed, step]);
        philox4x32([slot / 4, first + t, 0, 1], [seed, step]).forEach((word, i) => {
          const column = multiplyHigh(word, numItems);
          if (slot + i < k)
            ids[t * k + slot + i] = 1 + (coins[i] < source[2 * column] ? column : source[2 * column + 1]);
        });
      }
    }
    return ids;
  },
} satisfies DrawingSampler;

/**
 * Two proposals in one: each draw is by popularity with a given probability, and uniform else, so that items that hardly occur are negatives as well (in
 * the spirit of mixed negative sampling, Yang et al., WWW 2020 companion, whose share by popularity is the batch). One alias table holds the mixture.
 */
export const mixed = {
  ...popularity,
  name: 'mixed',
  help: 'a share by popularity and the rest uniform',
  formula:
    'ids[t, j] = i with probability m count[i]^e / sum + (1 - m) / N, m being the share by popularity, drawn as popularity is',
  options: {
    ...popularity.options,
    mixed_share: {
      type: 'number',
      default: 0.5,
      min: 0,
      max: 1,
      help: 'probability that a mixed negative is drawn by popularity; the others are uniform',
    },
  },
  source: {
    from: 'counts',
    words: (counts, { popularity_exponent, mixed_share: share }) =>
      sourceWords(
        popularityOf(counts, popularity_exponent).map((q, _, { length }) => share * q + (1 - share) / length),
      ),
  },
} satisfies DrawingSampler;

/** The probability of each item 1 … N. */
export function popularityOf(counts: ItemCounts, exponent: number): Float64Array {
  const weights = counts.subarray(1).map((count) => (count > 0 || exponent === 0 ? count ** exponent : 0));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/**
 * The alias table of these probabilities, and their logs. An item that is never drawn gets the log q of the rarest that is, so that no score becomes
 * infinite.
 * @param q [N]
 */
function sourceWords(q: Float64Array): Uint32Array {
  const rarest = q.reduce((least, p) => (p > 0 ? Math.min(least, p) : least), 1);
  const { thresholds, aliases } = aliasTable(q);
  const words = new Uint32Array(3 * q.length);
  thresholds.forEach((threshold, i) => {
    words[2 * i] = threshold;
    words[2 * i + 1] = aliases[i];
  });
  const logs = q.map((p) => Math.log(Math.max(p, rarest)));
  new Float32Array(words.buffer).set(logs, 2 * q.length);
  return words;
}
