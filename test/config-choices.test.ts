import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import type { Choice } from '../src/base/options.js';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { NEGATIVES } from '../src/kernels/score/negatives/index.js';
import { RULES } from '../src/kernels/update/rules/index.js';
import { optionTable, parseConfig, resolveConfig } from '../src/train/config.js';
import { objectiveOf } from '../src/train/objective.js';

/** Negatives with this option. */
const having = (option: string) =>
  Object.values<Choice>(NEGATIVES)
    .filter(({ options }) => Object.hasOwn(options, option))
    .map(({ name }) => name);

describe('options', () => {
  it('of another loss are refused beside the loss, and left at their defaults below it', () => {
    expect(() => resolveConfig(57, [{ loss: 'ssm', gbce_t: 0.5 }], 'the command line')).toThrow(
      new InputError(
        'the command line: gbce_t is 0.5, but means nothing for the loss ssm; leave it out, or set loss to gbce',
      ),
    );
    expect(() => resolveConfig(57, [{ loss: 'ssm' }, { gbce_t: 0.5 }])).toThrow(/means nothing for the loss ssm/);
    expect(resolveConfig(57, [{ gbce_t: 0.5 }, { loss: 'ssm' }])).toMatchObject({ loss: 'ssm', gbce_t: 0.75 });
    expect(() => resolveConfig(57, [{ negatives: 'catalogue', negs_per_pos: 9 }], 'x')).toThrow(
      new InputError(
        `x: negs_per_pos is 9, but means nothing for the negatives catalogue; leave it out, or set negatives to ${having('negs_per_pos').join(' or ')}`,
      ),
    );
    expect(() => resolveConfig(57, [{ loss: 'ce', negs_per_pos: 9 }])).toThrow(
      /means nothing for the negatives catalogue/,
    );
    expect(resolveConfig(57, [{ negs_per_pos: 9 }, { loss: 'ce' }])).toMatchObject({
      negs_per_pos: 256,
      negatives: 'auto',
    });
    const saved = resolveConfig(57, [{ loss: 'ssm' }]);
    expect(parseConfig(saved, 'a checkpoint')).toEqual(saved);
  });

  it('of another optimizer are refused likewise, and those that several have are no one’s alone', () => {
    expect(() => resolveConfig(57, [{ optimizer: 'sgd', adam_beta2: 0.98 }], 'x.yaml')).toThrow(
      new InputError(
        'x.yaml: adam_beta2 is 0.98, but means nothing for the optimizer sgd; leave it out, or set optimizer to adam',
      ),
    );
    expect(resolveConfig(57, [{ adam_beta2: 0.98 }, { optimizer: 'sgd', lr: 0.1 }])).toMatchObject({
      lr: 0.1,
      adam_beta2: 0.999,
    });
  });

  it('of how scores are corrected go with some losses and some negatives', () => {
    const log_q = 'standard';
    expect(resolveConfig(57, [{ loss: 'ssm', log_q }])).toMatchObject({ log_q });
    expect(resolveConfig(57, [{ loss: 'ssm', log_q }, { loss: 'bpr' }])).toMatchObject({ log_q: 'none' });
    for (const [options, message] of [
      [
        { loss: 'bce', log_q: 'corrected' },
        'log_q corrected does not go with the loss bce: it judges each score alone, so there is no denominator that the positive could be left out of; set log_q to standard or none',
      ],
      [{ log_q }, 'log_q is standard, but means nothing for the loss gbce; leave it out, or set loss to bce or ssm'],
      [
        { loss: 'ssm', negatives: 'catalogue', log_q },
        `log_q is standard, but means nothing for the negatives catalogue; leave it out, or set negatives to ${having('log_q').join(' or ')}`,
      ],
    ] as const) {
      expect(() => resolveConfig(57, [options], 'x')).toThrow(new InputError(`x: ${message}`));
    }
  });

  it('ask for no more of the hardest negatives than are drawn', () => {
    const options = { negatives: 'hardest', negs_per_pos: 16 };
    expect(resolveConfig(57, [{ ...options, hardest: 16 }])).toMatchObject({ hardest: 16 });
    expect(() => resolveConfig(57, [{ ...options, hardest: 17 }], 'x')).toThrow(
      new InputError(
        'x: hardest is 17, more than the negs_per_pos 16 that they are chosen from; take fewer, or raise negs_per_pos',
      ),
    );
    expect(() => resolveConfig(57, [{ ...options, loss: 'ssm', log_q: 'corrected' }], 'x')).toThrow(
      /^x: log_q is corrected, but means nothing for the negatives hardest; /,
    );
    expect(() => resolveConfig(57, [{ hardest: 3 }], 'x')).toThrow(
      new InputError(
        'x: hardest is 3, but means nothing for the negatives uniform; leave it out, or set negatives to hardest',
      ),
    );
  });

  it('refuse the correction for positives that are never drawn', () => {
    expect(() => resolveConfig(57, [{ loss: 'ssm', negatives: 'uniform-reject', log_q: 'standard' }], 'x')).toThrow(
      new InputError(
        "x: log_q standard does not go with the negatives uniform-reject: the positive is one of the user's own items, which are never drawn, so that it has no log q; set log_q to corrected or none",
      ),
    );
  });

  it('that several losses, samplers or optimizers have are one option', () => {
    for (const registry of [JUDGES, NEGATIVES, RULES]) {
      const entries = Object.values<Choice>(registry).flatMap(({ options }) => Object.entries(options));
      for (const [key, option] of entries) expect([key, option]).toEqual([key, optionTable()[key]]);
    }
  });

  it('that choose say what each choice is', () => {
    expect(optionTable().optimizer.help).toMatch(/^rule by which parameters move: adam is .*; sgd is /);
    const registries = { loss: JUDGES, negatives: { auto: undefined, ...NEGATIVES }, optimizer: RULES };
    for (const [key, registry] of Object.entries(registries)) {
      expect(optionTable()[key]).toMatchObject({ type: 'choice', choices: Object.keys(registry) });
    }
  });

  it('ask for negatives that the loss takes', () => {
    expect(() => resolveConfig(57, [{ loss: 'ce', negatives: 'uniform' }], 'x')).toThrow(
      new InputError('x: the loss ce takes the negatives catalogue, not uniform; leave one of them out'),
    );
    expect(resolveConfig(57, [{ negatives: 'uniform' }, { loss: 'ce' }])).toMatchObject({ negatives: 'auto' });
    expect(resolveConfig(57, [{ loss: 'ce', negatives: 'catalogue' }])).toMatchObject({ negatives: 'catalogue' });
    const counts = [{ loss: 'ssm', negatives: 'catalogue' }, { loss: 'gbce' }, { loss: 'ce' }].map((options) => {
      const config = resolveConfig(57, [options]);
      return objectiveOf(config).negatives.count(config, 57);
    });
    expect(counts).toEqual([56, 256, 56]);
  });
});
