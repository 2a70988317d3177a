/**
 * From the start of a process to its second training step, with the time at which each part was done. Imports happen late, so that the time before them is
 * Node's own.
 */
const marks: [string, number][] = [['node', performance.now()]];
const mark = (part: string) => marks.push([part, performance.now()]);

const { openGpu } = await import('../../src/node/gpu.js');
const { Trainer } = await import('../../src/train/trainer.js');
const { processOptions } = await import('../step/protocol.js');
const { Batches, layOut } = await import('../step/rows.js');
const { configOf, weightsOf } = await import('../step/weights.js');
const { shape, rows } = processOptions();
mark('imports');

const gpu = await openGpu();
mark('device');

const config = configOf(shape);
const trainer = new Trainer(gpu, config, { weights: weightsOf(shape, ''), step: 0 });
await trainer.stream.finish();
mark('parameters');

const batches = new Batches(rows, shape.batch_size, shape.sequence_length);
await trainer.prepare(batches.capacity);
await gpu.settle();
mark('pipelines');

await trainer.train(layOut(batches.next()));
mark('first step');
await trainer.train(layOut(batches.next()));
mark('second step');
console.log(JSON.stringify(marks));
gpu.close();
