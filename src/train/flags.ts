import { describeDomain, type OptionValue, parseValue } from '../base/options.js';
import { optionTable, type TrainOptions } from './config.js';
import { PRESETS } from './presets.js';

type Key = keyof TrainOptions;

/** One command line flag for each key, in the table's order: the key in kebab case. */
export function configFlags(): { key: Key; flags: string; description: string }[] {
  const paper: Partial<TrainOptions> = PRESETS['gsasrec-ml1m'];
  return Object.entries(optionTable()).map(([name, option]) => {
    const key = name as Key;
    const shown = { integer: '<integer>', number: '<number>', boolean: '[true|false]', choice: '<name>' }[option.type];
    const facts = [describeDomain(option), `default ${option.default ?? 'none'}`];
    if (paper[key] !== undefined) facts.push(`the paper's ML-1M ${paper[key]}`);
    return {
      key,
      flags: `${flagName(key)} ${shown}`,
      description: `${option.help} (${facts.join('; ')})`,
    };
  });
}

/** The value of a flag from its text. A boolean flag may come without a value, which parsers report as true. */
export function parseFlag(key: Key, text: string | true): OptionValue {
  return parseValue(flagName(key), String(text), optionTable()[key], 'the command line');
}

function flagName(key: Key): string {
  return `--${key.replaceAll('_', '-')}`;
}
