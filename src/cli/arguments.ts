import { InvalidArgumentError } from 'commander';

/** A path as typed: an empty one comes from an unset variable in a script, and would quietly mean something else. */
export function parsePath(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty.');
  return text;
}
