import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { readConfigFile } from '../store/config-file.js';
import { convert } from '../store/convert/index.js';
import { ASSUMED_HEADS, officialConfig } from '../store/convert/official.js';
import { onnxInterface } from '../store/convert/onnx.js';
import type { OnnxValue } from '../store/convert/onnx-model.js';
import type { TrainConfig, TrainOptions } from '../train/config.js';
import { presetOptions } from '../train/presets.js';
import { checkpointOption, parsePath } from './arguments.js';
import { addConfigFlags } from './config-flags.js';
import { alignColumns } from './output.js';

interface Flags {
  checkpoint: 'best' | 'last';
  data?: string;
  config?: string;
}

export function addConvert(program: Command): void {
  const command = program
    .command('convert')
    .description(
      'a checkpoint in another format: .safetensors (ours), .pt (the official PyTorch port), .onnx (written only), or the folder of a run',
    )
    .argument('<in>', 'folder of a run, a .safetensors checkpoint, or a .pt file of the official port', parsePath)
    .argument('<out>', 'file ending with .safetensors, .pt or .onnx, or the folder of a new run', parsePath)
    .addOption(checkpointOption())
    .option('--data <folder>', 'for the folder of a run: its dataset, so that evaluate finds it', parsePath)
    .option('--config <file>', 'YAML or JSON with options for a .pt file, as train takes it', parsePath)
    .addHelpText(
      'after',
      `\nA .pt file holds no configuration. Its shapes tell num_items, sequence_length, embedding_dim, num_blocks and
reuse_item_embeddings; num_heads is taken to be ${ASSUMED_HEADS} unless --heads says otherwise, and the options of training are
only kept for later: the flags of \`train\` set them.`,
    );
  const optionsOf = addConfigFlags(command, (key, flags, description) =>
    key === 'num_heads'
      ? new Option(`--heads, ${flags}`, `attention heads of a .pt file's model (default ${ASSUMED_HEADS})`)
      : new Option(flags, description).hideHelp(),
  );
  command.action((input: string, output: string, flags: Flags & Record<string, unknown>) => {
    runConvert(input, output, flags, optionsOf(flags));
  });
}

function runConvert(input: string, output: string, flags: Flags, given: Partial<TrainOptions>): void {
  const file = flags.config === undefined ? undefined : readConfigFile(flags.config);
  const preset = file?.preset === undefined ? {} : presetOptions(file.preset);
  const options = { ...preset, ...file?.options, ...given };
  const { checkpoint, official } = convert(input, output, {
    which: flags.checkpoint,
    given: options,
    ...(flags.data !== undefined && { data: resolve(flags.data) }),
  });
  if (official && options.num_heads === undefined) {
    process.stderr.write(`num_heads is taken to be ${ASSUMED_HEADS}: ${input} does not tell; --heads says otherwise\n`);
  }
  console.log(`${output}: ${checkpoint.config.num_items} items, step ${checkpoint.step}`);
  const lines = officialConfig(checkpoint.config);
  if (/\.onnx$/i.test(output)) console.log(describeOnnx(checkpoint.config));
  else if (lines) console.log(`the official configuration of this model: ${lines}`);
}

/** A line for each input and output: name, type, shape, meaning. */
function describeOnnx(config: TrainConfig): string {
  const { inputs, outputs } = onnxInterface(config);
  const rows = (kind: string, values: readonly OnnxValue[]) =>
    values.map(({ name, type, shape, doc }) => [kind, name, type, `[${shape.join(', ')}]`, doc]);
  return alignColumns([...rows('input', inputs), ...rows('output', outputs)], [0, 1, 2, 3, 4]);
}
