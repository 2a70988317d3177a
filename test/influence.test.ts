import { describe, expect, it } from 'vitest';
import { markov, popularity } from '../src/infer/baselines.js';
import { influence, reasonsIn } from '../src/infer/influence.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { ScoringRecommender } from '../src/infer/scoring.js';
import { Model } from '../src/model/model.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { stream } from './support/device.js';
import { dataset, MODEL } from './support/small.js';

const config = resolveConfig(240, [MODEL]);
const neural = () => new NeuralRecommender(new Model(stream, config, initialParameters(config, { seed: 1 })));

describe('the influence of a history’s items', () => {
  it('is what leaving one out takes from the score of a model, for each of its window', async () => {
    const model = neural();
    const history = Array.from({ length: MODEL.sequence_length + 3 }, (_, i) => 1 + ((31 * i) % 200));
    const items = [7, 230, 12];
    const scores = async (one: readonly number[]) => {
      const [list] = await model.top([one], { top: 240, filterRated: false });
      return new Map(list.map(({ item, score }) => [item, score]));
    };
    const found = await influence(model, history, items);
    const whole = await scores(history);
    expect(found.map(({ length }) => length)).toEqual([23, 23, 23]);
    for (const place of history.keys()) {
      const rest = await scores(history.filter((_, i) => i !== place));
      for (const [i, item] of items.entries()) {
        const expected = place < 3 ? 0 : whole.get(item)! - rest.get(item)!;
        expect(found[i][place]).toBeCloseTo(expected, 5);
      }
    }
    expect(Math.max(...found[0].map(Math.abs))).toBeGreaterThan(0.01);
  });

  it('is that of the latest items alone where no more are asked for', async () => {
    const model = neural();
    const [all] = await influence(model, [3, 9, 4, 80], [7]);
    const [some] = await influence(model, [3, 9, 4, 80], [7], { latest: 2 });
    expect([...some]).toEqual([0, 0, ...all.slice(2)]);
  });

  it('tells two visits of the same item apart', async () => {
    const [changes] = await influence(neural(), [5, 9, 5], [7]);
    expect(new Set(changes).size).toBe(3);
  });

  it('is none in what counts alone, and the last item’s in what looks at that', async () => {
    expect(await influence(popularity(dataset), [3, 9], [7])).toEqual([new Float64Array(2)]);
    const counts = markov(dataset);
    const [[best]] = await counts.top([[3, 9]], { filterRated: false });
    const [[before]] = await counts.top([[3]], { only: [best.item], filterRated: false });
    const [changes] = await influence(counts, [3, 9], [best.item]);
    expect([...changes]).toEqual([0, best.score - before.score]);
  });

  it('knows the user, if the recommender does', async () => {
    const seen: (number | undefined)[] = [];
    const recommender = new ScoringRecommender({
      ...{ name: 'own', numItems: 4, window: 2, meaning: 'anything' },
      scores(history, user) {
        seen.push(user);
        return Float64Array.from({ length: 5 }, (_, item) => item * history.length);
      },
    });
    expect(await influence(recommender, [1, 2], [3, 4], { user: 9 })).toEqual([
      Float64Array.of(3, 3),
      Float64Array.of(4, 4),
    ]);
    expect(seen).toEqual([9, 9, 9]);
  });

  it('needs an item that may be left out, items of the model, and no abort', async () => {
    await expect(influence(neural(), [3], [7])).rejects.toThrow(/^the influence of items shows by leaving one out/);
    await expect(influence(neural(), [3, 241], [7])).rejects.toThrow(/has the item 241/);
    await expect(influence(neural(), [3, 4], [0])).rejects.toThrow(/^only has the item 0/);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(influence(neural(), [3, 4], [7], { signal })).rejects.toThrow('enough');
  });

  it('is given as reasons, what raised a score first and what did nothing not at all', () => {
    expect(reasonsIn([0.5, 0, -2, Number.NaN, 1])).toEqual([
      { place: 4, change: 1 },
      { place: 0, change: 0.5 },
      { place: 2, change: -2 },
    ]);
  });
});
