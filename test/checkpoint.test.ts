import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import type { HostParameter } from '../src/model/parameters.js';
import { loadCheckpoint, saveWeights } from '../src/store/checkpoint.js';
import { saveCheckpoint } from '../src/store/resumable.js';
import { readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import { checkpointAt } from './support/checkpoint.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder('each test');

describe('loading a checkpoint', () => {
  const weights = (change: (weights: Map<string, HostParameter>) => void) => {
    const checkpoint = checkpointAt(100);
    const changed = new Map(checkpoint.weights);
    change(changed);
    const file = at('best.safetensors');
    saveWeights(file, { ...checkpoint, weights: changed });
    return () => loadCheckpoint(file);
  };
  const table = 'item_embedding.weight';
  const rows = (n: number) => ({ shape: [n, 4], data: new Float32Array(4 * n) });

  it('names the tensor, its shape and the expected one', () => {
    const load = weights((tensors) => tensors.set(table, rows(6)));
    expect(load).toThrow(InputError);
    expect(load).toThrow(`tensor ${table} is F32 [6,4], but the configuration in this file asks for F32 [7,4]`);
  });

  it('names a tensor that is missing or too many', () => {
    expect(weights((tensors) => tensors.delete(table))).toThrow(`tensor ${table} is missing`);
    expect(weights((tensors) => tensors.set('extra', rows(1)))).toThrow('tensor extra is not part of the model');
  });

  it('names another dtype', () => {
    saveCheckpoint(at(), checkpointAt(100), true);
    const file = at('best.safetensors');
    const { tensors, metadata } = readSafetensors(file);
    const { shape, data } = tensors.get(table)!;
    tensors.set(table, { dtype: 'I32', shape, data: Int32Array.from(data as Float32Array) });
    writeSafetensors(file, tensors, metadata);
    expect(() => loadCheckpoint(at())).toThrow(`${file}: tensor ${table} is I32 [7,4], but`);
  });

  it.each([
    ['config', '{"num_items": 5', /metadata config: is not JSON/],
    ['config', '{"num_items": 5, "dropout": 1}', /unknown key "dropout"; did you mean dropout_rate\?/],
    ['config', '{"num_items": 5.5}', /num_items is 5.5/],
    ['step', '-1', /has -1 as step; it must be a count/],
    ['metrics', '{"ndcg@10": "high"}', /as metrics; it must be an object of numbers/],
  ])('names bad metadata: %s %s', (field, value, message) => {
    saveCheckpoint(at(), checkpointAt(100), true);
    const file = at('best.safetensors');
    const { tensors, metadata } = readSafetensors(file);
    writeSafetensors(file, tensors, { ...metadata, [field]: value });
    expect(() => loadCheckpoint(at())).toThrow(InputError);
    expect(() => loadCheckpoint(at())).toThrow(message);
  });

  it('says what a file or folder lacks', () => {
    expect(() => loadCheckpoint('test/fixtures/h1.safetensors')).toThrow(/metadata has no config/);
    expect(() => loadCheckpoint(at())).toThrow(/holds no best\.safetensors; name the folder of a run/);
    expect(() => loadCheckpoint(at('none'))).toThrow(/none: cannot be read: no such file or directory/);
    expect(() => loadCheckpoint('package.json/none')).toThrow(/none: cannot be read: not a directory/);
    saveCheckpoint(at(), checkpointAt(100), false);
    expect(() => loadCheckpoint(at())).toThrow(/holds no best\.safetensors; use .*last\.safetensors/);
  });
});
