#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import tab from '@bomb.sh/tab/commander';
import { addBench } from './bench.js';
import { addConvert } from './convert.js';
import { addData } from './data.js';
import { addDoctor } from './doctor.js';
import { addEvaluate } from './evaluate.js';
import { addKernels } from './kernels.js';
import { addParity } from './parity.js';
import { newProgram, runProgram } from './program.js';
import { addRecommend } from './recommend.js';
import { addReport } from './report.js';
import { addRuns } from './runs.js';
import { addServe } from './serve.js';
import { addTrain } from './train.js';
import { addTune } from './tune.js';
import { addWatch } from './watch.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = newProgram(
  'gsas-wgpu',
  'gSASRec on the GPU: train, evaluate and serve sequential recommendations',
).version(version);

addData(program);
addTrain(program);
addEvaluate(program);
addRecommend(program);
addServe(program);
addReport(program);
addWatch(program);
addRuns(program);
addConvert(program);
addParity(program);
addKernels(program);
addBench(program);
addTune(program);
addDoctor(program);
tab(program, { completionCommandName: 'completion' }); // last: it looks at the commands before it

await runProgram(program);
