import { InvalidArgumentError, Option } from 'commander';
import { PRESET_USES } from '../train/presets.js';

/** --preset, with what each is for. */
export function presetOption(): Option {
  const uses = Object.entries(PRESET_USES).map(([name, use]) => `${name}, ${use}`);
  return new Option('--preset <name>', `options to start from: ${uses.join('; ')}`).choices(Object.keys(PRESET_USES));
}

export function checkpointOption(): Option {
  return new Option('--checkpoint <name>', "which of the run's checkpoints").choices(['best', 'last']).default('best');
}

export function titlesOption(): Option {
  const help = 'CSV with the columns id and title (default: what the run keeps, else items.csv of the data)';
  return new Option('--titles <file>', help).argParser(parsePath);
}

/** A path as typed. An empty one comes from an unset variable in a script, and would silently mean something else. */
export function parsePath(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return Number(text);
}

/** A whole number from 0. */
export function parseNatural(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, at least 0.');
  return Number(text);
}

/** Distinct ascending numbers such as `1,5,10`. */
export function parseCounts(text: string): number[] {
  const counts = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(parseCount);
  if (counts.length === 0) throw new InvalidArgumentError('It must be numbers such as 1,5,10.');
  return [...new Set(counts)].sort((a, b) => a - b);
}

/** Some of `names`, in any order, separated by commas. */
export function parseNames<Name extends string>(names: readonly Name[]): (text: string) => Name[] {
  return (text) => {
    const given = text.split(/[\s,]+/).filter(Boolean) as Name[];
    const stray = given.find((name) => !names.includes(name));
    if (stray !== undefined || given.length === 0) {
      throw new InvalidArgumentError(
        `${stray === undefined ? 'It' : `"${stray}"`} must be some of ${names.join(', ')}.`,
      );
    }
    return [...new Set(given)];
  };
}
