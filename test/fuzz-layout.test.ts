import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset, Sequences } from '../src/data/dataset.js';
import { readDataset } from '../src/store/layout.js';
import { readItemNames, readUserNames } from '../src/store/titles.js';
import { anyText, fuzz, mutated, outcomeOf } from './support/fuzz.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();

/** A dataset of three users and five items in the official layout. */
const FILES: Readonly<Record<string, string>> = {
  'dataset_stats.json': '{"num_users": 3, "num_items": 5, "num_interactions": 14}',
  'train/input.txt': '1 2 3\n4 5 1\n2\n',
  'val/input.txt': '1 2 3\n4 5 1\n',
  'val/output.txt': '4\n2\n',
  'test/input.txt': '1 2 3 4\n4 5 1 2\n',
  'test/output.txt': '5\n3\n',
};

function write(name: string, content: string | Uint8Array): void {
  mkdirSync(dirname(at('data', name)), { recursive: true });
  writeFileSync(at('data', name), content);
}

function writeAll(): void {
  for (const [name, content] of Object.entries(FILES)) write(name, content);
}

/** Complete lines of the catalogue's items, and a target for each line. */
function expectWhole({ numItems, train, val, test }: Dataset): void {
  const isItem = (item: number) => Number.isInteger(item) && item >= 1 && item <= numItems;
  const linesOf = (lines: Sequences) => Array.from({ length: lines.count }, (_, line) => [...lines.at(line)]);
  for (const line of [train, val.inputs, test.inputs].flatMap(linesOf)) {
    expect(line.length).toBeGreaterThan(0);
    expect(line.every(isItem)).toBe(true);
  }
  for (const { inputs, targets } of [val, test]) {
    expect(targets).toHaveLength(inputs.count);
    expect([...targets].every(isItem)).toBe(true);
  }
}

describe('a dataset', () => {
  it.each(Object.keys(FILES))('with faults in %s is read or refused in one line that names a file', async (name) => {
    writeAll();
    expectWhole(readDataset(at('data')));
    const content = fc.oneof(
      mutated(Buffer.from(FILES[name]!)),
      fc.array(anyText).map((texts) => texts.join(' ')),
    );
    await fuzz(content, (bytes) => {
      write(name, bytes);
      const outcome = outcomeOf(() => readDataset(at('data')));
      if ('refused' in outcome) expect(outcome.refused).toContain(at('data'));
      else expectWhole(outcome.value);
    });
  });
});

describe('a table of ids', () => {
  it.each([
    ['items.csv', 'id,original_id,title\n1,a,"Anna, ""the"" first"\n2,b,Bert\n', readItemNames],
    ['users.csv', 'id,original_id\n1,u\n2,"v, w"\n', readUserNames],
  ] as const)('%s with faults is read or refused in one line that names it', async (name, original, read) => {
    const content = fc.oneof(
      mutated(Buffer.from(original)),
      fc.array(anyText).map((texts) => `${original}${texts}`),
    );
    await fuzz(content, (bytes) => {
      writeFileSync(at(name), bytes);
      const outcome = outcomeOf(() => read(at(name)));
      if ('refused' in outcome) return expect(outcome.refused).toContain(at(name));
      const maps = outcome.value instanceof Map ? [outcome.value] : Object.values(outcome.value);
      for (const id of maps.flatMap((map: ReadonlyMap<number, unknown>) => [...map.keys()]))
        expect(id).toBeGreaterThan(0);
    });
  });
});
