import { type Command, InvalidArgumentError, Option } from 'commander';
import { SHAPE_KEYS, type ShapeKey, type StepShape } from '../step/shapes.js';

/** A whole number, 1 or more. @throws InvalidArgumentError */
export function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

/** @throws InvalidArgumentError */
export function parseShare(text: string): number {
  if (!/^[01](\.\d+)?$/.test(text) || Number(text) > 1)
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return Number(text);
}

/** @throws InvalidArgumentError */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds < Infinity) || text.trim() === '')
    throw new InvalidArgumentError('It must be a number, 0 or more.');
  return seconds;
}

/** Parses a comma-separated list of `known` names, each counted once. */
export function parseNames<T extends string>(known: readonly T[]): (text: string) => T[] {
  return (text) => {
    const names = text.split(',');
    const unknown = names.find((name) => !known.includes(name as T));
    if (unknown !== undefined) throw new InvalidArgumentError(`There is no ${unknown || 'name'}; known are ${known}.`);
    return [...new Set(names)] as T[];
  };
}

/**
 * Gives a command a flag for each number of a shape, or for some `keys` of it: --batch-size 32 and so on.
 * @param shapes whose numbers the help names as defaults
 * @param keys the numbers that can be given
 * @returns a function that reads from the flags the numbers that they override
 */
export function addShapeOptions(
  command: Command,
  shapes: readonly StepShape[],
  keys = Object.keys(SHAPE_KEYS) as ShapeKey[],
): (flags: Record<string, unknown>) => Partial<StepShape> {
  const names = keys.map((key) => {
    const defaults = shapes.map((shape) => shape[key]);
    const option = new Option(`--${key.replaceAll('_', '-')} <number>`, `${SHAPE_KEYS[key]} (${defaults.join(', ')})`);
    command.addOption(option.argParser(Number.isInteger(defaults[0]) ? parseCount : parseShare));
    return [option.attributeName(), key] as const;
  });
  return (flags) => {
    const given = names.filter(([name]) => flags[name] !== undefined).map(([name, key]) => [key, flags[name]]);
    return Object.fromEntries(given);
  };
}
