import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { metricsOf } from '../src/data/metrics.js';
import { Stream } from '../src/engine/stream.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { Model } from '../src/model/model.js';
import { convert } from '../src/store/convert/index.js';
import { writeStateDict } from '../src/store/convert/state-dict-writer.js';
import { readFixture } from '../src/store/fixture.js';
import { writeDataset } from '../src/store/layout.js';
import { RunFolder } from '../src/store/run-folder.js';
import { train } from '../src/train/train.js';
import { gpu } from './support/device.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, MODEL } from './support/small.js';
import { describeUntested } from './support/untested.js';

const PYTHON = process.env.GSAS_PYTHON || 'python3';

function python(...args: string[]): string {
  return execFileSync(PYTHON, ['-B', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function hasTorch(): boolean {
  try {
    python('-c', 'import torch, numpy');
    return true;
  } catch {
    return false;
  }
}

const WHAT = 'a .pt file of ours in PyTorch';

if (!hasTorch()) describeUntested(WHAT, `${PYTHON} has no torch and numpy; name one that has by GSAS_PYTHON`);
else
  describe(WHAT, () => {
    const at = scratchFolder();

    it.each(['h1', 'heads3_dim24', 'reuse_t1'])('loads with weights_only and has the official top-10: %s', (name) => {
      const fixture = `test/fixtures/${name}.safetensors`;
      const file = at(`${name}.pt`);
      writeStateDict(file, readFixture(fixture).parameters('param'));
      expect(python('test/fixtures/torch/check.py', file, fixture)).toBe('same\n');
    });

    it('has the metrics of the model that was trained', async () => {
      const data = at('data');
      const run = at('run');
      writeDataset(data, dataset);
      const options = {
        ...{ ...MODEL, negs_per_pos: 8, init_std: 0.02 },
        ...{ train_batch_size: 32, lr: 1e-2, init_prior: true, max_epochs: 12 },
      };
      const { best } = await train({ gpu, dataset, options, store: new RunFolder(run, { data }) });
      const model = new Model(new Stream(gpu), best!.config, best!.weights);
      for (const filterRated of [true, false]) {
        const ours = metricsOf((await new NeuralRecommender(model).rank(dataset.test, { filterRated })).ranks);
        expect(ours['ndcg@10']).toBeGreaterThan(0.02); // no agreement of zeros
        const file = at(`${filterRated}.pt`);
        convert(run, file);
        const flags = ['--data', data, '--heads', '2', ...(filterRated ? [] : ['--keep-seen'])];
        const theirs = JSON.parse(python('bench/baselines/pytorch/evaluate.py', file, ...flags));
        expect(theirs.users).toBe(dataset.test.targets.length);
        for (const name of ['ndcg@10', 'recall@1', 'recall@10'] as const) {
          expect(Math.abs(theirs[name] - ours[name])).toBeLessThan(1e-6);
        }
      }
      model.release();
    });
  });
