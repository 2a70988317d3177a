import { InputError } from '../base/errors.js';
import { printable, quoted } from '../base/printable.js';
import { type Database, identifier, literal } from './database.js';
import { globFree, reading, type Source, type SourceOptions } from './source.js';

/** How many objects are examined to find out which keys they have. */
const SAMPLE = 1000;

/** DuckDB's description of a value: the name of a type, a list of one, or an object's keys. */
type Structure = string | readonly Structure[] | { readonly [key: string]: Structure };

/**
 * A file of JSON: one object per line, or one array of objects. A key inside an object is a column if a flag names it, such as `user.id`.
 * @throws InputError naming file and line, or record of an array
 */
export async function jsonSource(
  db: Database,
  file: string,
  path: string,
  text: string,
  named: SourceOptions['named'] = [],
): Promise<Source> {
  const isArray = text.trimStart().startsWith('[');
  if (!isArray && text.includes('\n')) checkFirstLine(file, text);
  const form = `${globFree(path)}, format = '${isArray ? 'array' : 'newline_delimited'}'`;
  const { structure } = await reading({ file, path }, () =>
    db.row<{ structure: string | null }>(
      `SELECT json_group_structure(json) AS structure FROM (SELECT json FROM read_json_objects(${form}) LIMIT ${SAMPLE})`,
    ),
  );
  const keys: Structure = structure === null ? [] : JSON.parse(structure);
  if (typeof keys !== 'object' || Array.isArray(keys))
    throw new InputError(`${file} holds no JSON objects; give an object for each interaction`);
  // SQL allows neither empty names nor zero bytes.
  const top = Object.entries(keys as Record<string, Structure>).filter(([key]) => key !== '' && !key.includes('\0'));
  const double = top.find(([key], i) => top.some(([other], j) => j < i && other.toLowerCase() === key.toLowerCase()));
  if (double) throw new InputError(`${file}: two keys are named ${quoted(double[0])} but for their case; rename one`);
  const inner = named.filter((name): name is string => name !== undefined && isInside(keys, name));
  const heads = new Set(inner.map((name) => name.split('.')[0]));
  const columns = top.map(([key]) => `${literal(key)}: '${heads.has(key) ? 'JSON' : 'VARCHAR'}'`);
  return {
    file,
    path,
    format: isArray ? 'json array' : 'json',
    about: isArray ? 'a JSON array' : 'JSON lines',
    names: [...top.map(([key]) => key), ...inner],
    hasHeader: true,
    quoted: false,
    from: `FROM read_json(${form}, columns = {${columns.join(', ')}})`,
    expressions: [
      ...top.map(([key]) => (heads.has(key) ? `(${identifier(key)} ->> '$')` : identifier(key))),
      ...inner.map((name) => {
        const [head, ...rest] = name.split('.');
        const pointer = rest.map((key) => `.${JSON.stringify(key)}`).join('');
        return `(${identifier(head)} ->> ${literal(`$${pointer}`)})`;
      }),
    ],
    types: [...top, ...inner].map(() => 'VARCHAR'),
    notes: [],
  };
}

/** Whether a name such as `user.id` leads through objects to a key. */
function isInside(keys: Structure, name: string): boolean {
  const path = name.split('.');
  if (path.length < 2 || (typeof keys === 'object' && Object.hasOwn(keys, name))) return false;
  let at: Structure = keys;
  for (const key of path) {
    if (typeof at !== 'object' || !Object.hasOwn(at, key)) return false;
    at = (at as Record<string, Structure>)[key];
  }
  return true;
}

function checkFirstLine(file: string, text: string): void {
  try {
    JSON.parse(text.trimStart().split('\n', 1)[0]);
  } catch (error) {
    throw new InputError(`${file}, line 1 is not a JSON object: ${printable((error as Error).message)}`, {
      cause: error,
    });
  }
}
