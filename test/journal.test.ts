import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Journal, readJournal } from '../src/store/journal.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder('each test');

describe('Journal', () => {
  const file = () => at('metrics.jsonl');
  const write = (...steps: number[]) => writeFileSync(file(), steps.map((step) => `{"step":${step}}\n`).join(''));

  it('appends one object a line', () => {
    const journal = new Journal(file());
    journal.append({ step: 1, loss: 0.5 });
    journal.append({ step: 2, 'ndcg@10': 0.1 });
    expect(readFileSync(file(), 'utf8')).toBe('{"step":1,"loss":0.5}\n{"step":2,"ndcg@10":0.1}\n');
  });

  it('drops what came after the checkpoint, a torn last line included', () => {
    write(100, 200, 300);
    appendFileSync(file(), '{"step":');
    const journal = new Journal(file(), 200);
    journal.append({ step: 300 });
    expect(readJournal(file())).toEqual([{ step: 100 }, { step: 200 }, { step: 300 }]);
  });

  it('starts a new run’s file afresh', () => {
    write(100);
    new Journal(file());
    expect(readJournal(file())).toEqual([]);
  });

  it('names the line that is no record', () => {
    write(100);
    appendFileSync(file(), 'x\n');
    expect(() => new Journal(file(), 100)).toThrow(/metrics\.jsonl line 2: is not JSON/);
    write(100);
    appendFileSync(file(), '{"loss":1}\n');
    expect(() => new Journal(file(), 100)).toThrow(/metrics\.jsonl line 2: {"loss":1} is no record, it has no step/);
  });
});
