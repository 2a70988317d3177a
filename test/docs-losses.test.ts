import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { NEGATIVES } from '../src/kernels/score/negatives/index.js';

it.each([...Object.keys(JUDGES), ...Object.keys(NEGATIVES)])('docs/losses.md explains %s', (name) => {
  const rows = readFileSync('docs/losses.md', 'utf8').split('\n');
  expect(rows.filter((row) => row.startsWith(`| \`${name}\` |`))).toHaveLength(1);
});
