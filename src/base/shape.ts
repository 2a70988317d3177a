import { InputError } from './errors.js';
import { quoted } from './printable.js';

/** What a value read from JSON must look like: a type, a list of one shape, or an object with these keys, of which those ending with ? may be missing. */
export type Shape = 'number' | 'string' | 'boolean' | readonly [Shape] | { readonly [key: string]: Shape };

/**
 * Checks a value against a shape; keys that the shape does not name are ignored.
 * @param source names the value's file in the error
 * @param advice the end of the error
 * @throws InputError naming the first place that does not fit
 */
export function checkShape(value: unknown, shape: Shape, source: string, advice: string): void {
  const misfit = misfitOf(value, shape, '');
  if (misfit !== undefined) throw new InputError(`${source}: ${misfit}; ${advice}`);
}

function misfitOf(value: unknown, shape: Shape, path: string): string | undefined {
  const must = (what: string) =>
    `${path || 'it'} is ${value === undefined ? 'missing' : quoted(value)}; it must be ${what}`;
  if (typeof shape === 'string') {
    const article = shape === 'string' ? 'a text' : shape === 'number' ? 'a number' : 'true or false';
    return typeof value === shape ? undefined : must(article);
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return must('a list');
    return first(value.map((entry, i) => () => misfitOf(entry, shape[0], `${path}[${i}]`)));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return must('an object');
  return first(
    Object.entries(shape).map(([key, of]) => () => {
      const name = key.replace(/\?$/, '');
      const entry = (value as Record<string, unknown>)[name];
      if (entry === undefined && name !== key) return undefined;
      return misfitOf(entry, of, path ? `${path}.${name}` : name);
    }),
  );
}

/** The first result that is not undefined. */
function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const result = check();
    if (result !== undefined) return result;
  }
  return undefined;
}
