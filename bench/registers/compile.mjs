// Compiles the shaders of its input, a JSON list of { kernel, source }, on the hardware that its environment chooses: see radv.ts. The driver
// writes its statistics to stderr, each after a line that says which shader they are of. What the driver calls itself goes to stdout.
import { readFileSync, writeSync } from 'node:fs';
import { Gpu } from '../../dist/engine/gpu.js';
import { parseProgram } from '../../dist/engine/program.js';
import { requestAdapter } from '../../dist/node/adapter.js';

const [mark] = process.argv.slice(2);
const shaders = JSON.parse(readFileSync(0, 'utf8'));
const { adapter } = await requestAdapter([]);
if (!adapter) throw new Error('the driver shows no adapter');
const gpu = await Gpu.open(adapter, { probe: false });
shaders.forEach(({ kernel, source }, i) => {
  writeSync(2, `\n${mark}${i}\n`);
  gpu.pipelines.pipeline(parseProgram(kernel, source));
});
await gpu.settle();
writeSync(2, `\n${mark}end\n`);
writeSync(1, adapter.info.description);
process.exit(); // on hardware that is not there nothing more may happen, not even the end of the device
