import { expect } from 'vitest';
import type { Outcome } from './command.js';

/** What `--json` prints: one object per line. */
export function objectsOf(stdout: string) {
  return linesOf(stdout).map((line) => JSON.parse(line));
}

/** The cells of a printed table, row by row. */
export function cellsOf(stdout: string): string[][] {
  return linesOf(stdout).map((line) => line.trim().split(/ {2,}/));
}

function linesOf(stdout: string): string[] {
  return stdout.trimEnd().split('\n');
}

/** Expects what every user's mistake leads to: one line with all of these parts, no other output, exit code 2. */
export function expectMistake({ status, stdout, stderr }: Outcome, ...parts: readonly (string | RegExp)[]): void {
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^error: .*\n$/);
  for (const part of parts) expect(stderr).toMatch(part);
}
