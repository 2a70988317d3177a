import { type Command, Option } from 'commander';
import type { TrainOptions } from '../train/config.js';
import { configFlags, parseFlag } from '../train/flags.js';

/**
 * Adds a flag for each training option to a command.
 * @param make makes the command line option for a key, if it should differ from the usual one
 * @returns a function that reads the training options among a command's flags. @throws InputError for a value that an option cannot take
 */
export function addConfigFlags(
  command: Command,
  make: (key: keyof TrainOptions, flags: string, description: string) => Option = (_, ...shown) => new Option(...shown),
): (flags: Readonly<Record<string, unknown>>) => Partial<TrainOptions> {
  const names = configFlags().map(({ key, flags, description }) => {
    const option = make(key, flags, description);
    command.addOption(option);
    return [option.attributeName(), key] as const;
  });
  // Not with an option's own parser: Commander turns an empty text into "none", which is parsed as null.
  return (flags) => {
    const given = names.filter(([name]) => flags[name] !== undefined);
    return Object.fromEntries(given.map(([name, key]) => [key, parseFlag(key, flags[name] as string | true)]));
  };
}
