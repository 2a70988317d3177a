import { type Command, Option } from 'commander';
import { describeDomain, parseValue, type Settings } from '../base/options.js';
import { BASELINES } from '../infer/baselines.js';

/** A flag for each option of each baseline, with its key. */
const FLAGS = Object.values(BASELINES).flatMap(({ name: model, options }) =>
  Object.entries(options).map(([key, option]) => {
    const name = `--${key.replaceAll('_', '-')}`;
    const help = `with --model ${model}: ${option.help} (${describeDomain(option)}; default ${option.default})`;
    const parse = (text: string) => parseValue(name, text, option, 'the command line');
    return { key, flag: new Option(`${name} <${option.type}>`, help).argParser(parse) };
  }),
);

/** Adds the options of all baselines to a command. */
export function takeBaselineFlags(command: Command): Command {
  for (const { flag } of FLAGS) command.addOption(flag);
  return command;
}

/** The options of baselines among a command's flags, by key. */
export function baselineSettings(flags: object): Settings {
  const given = flags as Readonly<Record<string, number | undefined>>;
  const found = FLAGS.map(({ key, flag }) => [key, given[flag.attributeName()]] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, number] => entry[1] !== undefined));
}
