import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../base/errors.js';
import { Gpu } from '../engine/gpu.js';
import type { Program } from '../engine/program.js';
import { registry } from '../kernels/registry.js';
import { openAdapter } from '../node/adapter.js';
import { type ImaginedHardware, openNullGpu } from '../node/null-gpu.js';
import { isFolder } from '../store/files.js';
import { makeFolders } from '../store/make-folders.js';
import { openSource } from '../store/source.js';
import type { TrainOptions } from '../train/config.js';
import { planTraining } from '../train/plan.js';
import { presetOptions } from '../train/presets.js';
import { stepPrograms } from '../train/step-programs.js';
import { parsePath, presetOption } from './arguments.js';
import { addConfigFlags } from './config-flags.js';
import { printJson } from './output.js';

interface Flags {
  json?: true;
  wgsl?: string;
  lanes?: ImaginedHardware['lanes'];
  data?: string;
  preset?: string;
}

export function addKernels(program: Command): void {
  const command = program
    .command('kernels')
    .description(
      'list the operations: what each computes, its test cases and its gradients; with --wgsl, write the shaders of a training step',
    )
    .option('--json', 'one JSON object a line, with the shapes of the cases and of the benches')
    .option('--wgsl <folder>', 'write the shaders that a step of the training options below launches', parsePath)
    .addOption(
      new Option(
        '--lanes <number>',
        "with --wgsl, for a GPU with subgroups of so many lanes, such as 32, 8-32 where they vary or 0 for none (default: this machine's adapter)",
      ).argParser(parseLanes),
    )
    .option('--data <folder>', 'with --wgsl, dataset to be trained on (default: the embedded one)', parsePath)
    .addOption(presetOption());
  const optionsOf = addConfigFlags(command);
  command.action((flags: Flags & Record<string, unknown>) => {
    const { wgsl, lanes, data, preset, json = false } = flags;
    const options = optionsOf(flags);
    if (wgsl !== undefined) return writeShaders(wgsl, flags, options);
    const [stray] = Object.entries({ lanes, data, preset, ...options }).find(([, value]) => value !== undefined) ?? [];
    if (stray) throw new InputError(`--${stray.replaceAll('_', '-')} needs --wgsl, the folder to write shaders to`);
    list(json);
  });
}

function list(json: boolean): void {
  for (const { name, formula, cases, benchShapes, differentiable } of registry) {
    if (json) printJson({ name, formula, differentiable, cases, benchShapes });
    else {
      const gradients = differentiable.length > 0 ? `gradients of ${differentiable.join(', ')}` : 'no gradients';
      console.log(`${name}\n  ${formula}\n  ${cases.length} cases, ${gradients}`);
    }
  }
}

async function writeShaders(folder: string, flags: Flags, given: Partial<TrainOptions>): Promise<void> {
  const { data, lanes, preset = data ? undefined : 'synthetic' } = flags;
  const { dataset } = openSource(data ?? null);
  const plan = await planTraining({
    dataset,
    options: [preset ? presetOptions(preset) : {}, given],
  });
  if (existsSync(folder) && !isFolder(folder)) throw new InputError(`${folder} is a file; name a new folder`);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new InputError(`${folder} is not empty; name a new folder for the shaders`);
  const gpu = lanes === undefined ? await Gpu.open((await openAdapter()).adapter) : await openNullGpu({ lanes });
  try {
    const files = namesOf(await stepPrograms(gpu, plan.config, plan.start(), plan.batches.capacity, plan));
    makeFolders(folder);
    for (const [name, { source }] of files) writeFileSync(join(folder, `${name}.wgsl`), source);
    if (flags.json) for (const [name, { bindings, uniforms }] of files) printJson({ name, bindings, uniforms });
    else console.log([...files.keys()].join('\n'));
  } finally {
    gpu.close();
  }
}

/** Programs by unique names: further variants of one are numbered from 2 on. */
function namesOf(programs: readonly Program[]): Map<string, Program> {
  const counts = new Map<string, number>();
  return new Map(
    programs.map((program) => {
      const count = (counts.get(program.name) ?? 0) + 1;
      counts.set(program.name, count);
      return [count === 1 ? program.name : `${program.name}.${count}`, program];
    }),
  );
}

/** `32`, `8-32`, or `0` for none. @throws InvalidArgumentError */
function parseLanes(text: string): ImaginedHardware['lanes'] {
  if (text === '0') return null;
  const [least, most = least] = text.split('-').map(Number);
  const fits = (lanes: number) => Number.isInteger(Math.log2(lanes)) && lanes >= 4 && lanes <= 128;
  if (!/^\d+(-\d+)?$/.test(text) || !fits(least) || !fits(most) || least > most) {
    throw new InvalidArgumentError('It must be a power of two from 4 to 128, a range such as 8-32, or 0.');
  }
  return [least, most];
}
