// A thread beside the tests that ends their process where one case takes too long: a loop that never ends cannot be interrupted from within.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { state, mostSeconds } = workerData;
let number = 0;
let since = Date.now();
for (;;) {
  Atomics.wait(state, 1, 0, 1000);
  const now = Atomics.load(state, 0);
  if (now === 0 || now !== number) since = Date.now();
  number = now;
  if (Date.now() - since > 1000 * mostSeconds) {
    writeSync(2, `fuzz: case ${number} has not ended after ${mostSeconds} s\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}
