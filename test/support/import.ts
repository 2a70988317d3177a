import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { importInteractions } from '../../src/ingest/import.js';
import type { ImportOptions } from '../../src/ingest/options.js';
import { scratchFolder } from './scratch.js';

/** The first second of 2020, from which the times below count. */
export const YEAR = 1_577_836_800;

/** One small log, by columns; times are out of order, and bob's a and c are at the same one. */
export const ROWS = [
  ['bob', 'a', 5, YEAR + 30],
  ['alice', 'x,1', 4, YEAR + 20],
  ['bob', 'c', 1, YEAR + 30],
  ['alice', 'a', 3, YEAR + 10],
  ['alice', 'b', 5, YEAR + 40],
  ['bob', 'b', 2, YEAR + 10],
] as const;

/** That log as text, a row a line. */
export const lines = (join: (row: readonly (string | number)[]) => string) =>
  ROWS.map((row) => `${join(row)}\n`).join('');

/** For each test of the calling file a folder of its own, with the logs that it writes and `out`, to which it imports them. */
export function importFolder() {
  const at = scratchFolder('each test');

  function write(name: string, content: string | Uint8Array): string {
    writeFileSync(at(name), content);
    return at(name);
  }

  const run = (files: string[], options: Partial<ImportOptions> = {}) =>
    importInteractions({ files, out: at('out'), ...options });

  const text = (name: string) => readFileSync(at('out', name), 'utf8');

  /** The test part's whole sequences, by the ids of the log: `alice: a b c`. */
  function sequences(): string[] {
    const csv = (name: string) => parse(text(name), { from_line: 2 }) as unknown as string[][];
    const ids = (name: string) => new Map(csv(name).map(([id, original]) => [id!, original!]));
    const [users, items] = [ids('users.csv'), ids('items.csv')];
    const [inputs, targets, of] = ['input', 'output', 'users'].map((name) =>
      text(`test/${name}.txt`).trimEnd().split('\n'),
    );
    return inputs!.map(
      (line, i) => `${users.get(of![i])}: ${[...line.split(' '), targets![i]].map((id) => items.get(id)).join(' ')}`,
    );
  }

  async function expectInputError(work: Promise<unknown>, ...parts: string[]): Promise<void> {
    const error = await work.then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    for (const part of parts) expect(error.message).toContain(part);
    expect(error.message).not.toContain('\n');
    // Nothing is left: neither the folder nor a temporary one beside it.
    expect(readdirSync(at()).filter((name) => name.startsWith('.') || name === 'out')).toEqual([]);
  }

  return { at, write, run, text, sequences, expectInputError };
}
