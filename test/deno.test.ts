import { findDeno, runInDeno } from './support/deno.js';
import { describeCases, testTraining } from './support/portable-tests.js';
import { describeUntested } from './support/untested.js';

const WHAT = "kernels in Deno's WebGPU";

const deno = findDeno();
if (!deno) describeUntested(WHAT, 'there is no deno; name one by GSAS_DENO, or run .ci/run, which installs one');
else {
  describeCases(WHAT, () => runInDeno(deno, 'runCases(library)')); // wgpu offers no subgroups, so kernels have one variant
  testTraining('trains and recommends in Deno as in Node', () => runInDeno(deno, 'runTraining(library)'));
}
