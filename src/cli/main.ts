#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { addCommands } from './commands.js';
import { newProgram, runProgram } from './program.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = newProgram(
  'gsas-wgpu',
  'gSASRec on the GPU: train, evaluate and serve sequential recommendations',
).version(version);

await addCommands(program, process.argv.slice(2));

await runProgram(program);
