import { InputError } from './errors.js';
import { quoted } from './printable.js';

const TYPES = { number: 'a number', string: 'a text', boolean: 'true or false' };

/** What a value read from JSON must be: a type, a list of one schema, or an object with these keys, of which those ending with ? may be missing. */
export type Schema = keyof typeof TYPES | readonly [Schema] | { readonly [key: string]: Schema };

/**
 * Checks a value against a schema; keys that the schema does not name are ignored.
 * @param source names the value's file in the error
 * @param advice the end of the error
 * @throws InputError naming the first place that does not fit
 */
export function checkSchema(value: unknown, schema: Schema, source: string, advice: string): void {
  const check = (value: unknown, schema: Schema, path: string): void => {
    const misfit = (what: string) => {
      const found = value === undefined ? 'missing' : quoted(value);
      return new InputError(`${source}: ${path || 'it'} is ${found}; it must be ${what}; ${advice}`);
    };
    if (typeof schema === 'string') {
      if (typeof value !== schema) throw misfit(TYPES[schema]);
    } else if (isList(schema)) {
      if (!Array.isArray(value)) throw misfit('a list');
      for (const [i, entry] of value.entries()) check(entry, schema[0], `${path}[${i}]`);
    } else {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit('an object');
      for (const [key, of] of Object.entries(schema)) {
        const name = key.replace(/\?$/, '');
        const entry: unknown = (value as Record<string, unknown>)[name];
        if (entry !== undefined || name === key) check(entry, of, path ? `${path}.${name}` : name);
      }
    }
  };
  check(value, schema, '');
}

/** Unlike Array.isArray, narrows a read-only list. */
function isList(schema: Schema): schema is readonly [Schema] {
  return Array.isArray(schema);
}
