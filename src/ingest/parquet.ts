import { type Database, identifier, literal } from './database.js';
import { globFree, reading, type Source, type SourceOptions } from './source.js';

/**
 * A Parquet file. A field inside a struct is a column if a flag names it, such as `user.id`.
 * @throws InputError naming the file
 */
export async function parquetSource(
  db: Database,
  file: string,
  path: string,
  named: SourceOptions['named'] = [],
): Promise<Source> {
  const table = `read_parquet(${globFree(path)}, binary_as_string = true)`;
  const describe = (columns: string) =>
    reading({ file, path }, () =>
      db.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT ${columns} FROM ${table}`),
    );
  const top = await describe('*');
  // A column for each field inside a struct that a flag names.
  const inner = named.flatMap((name) => {
    const [head, ...rest] = name?.split('.') ?? [];
    const isStruct = top.some(({ column_name, column_type }) => column_name === head && /^STRUCT/.test(column_type));
    if (!isStruct || rest.length === 0 || top.some(({ column_name }) => column_name === name)) return [];
    const value = rest.reduce((outer, key) => `struct_extract(${outer}, ${literal(key)})`, identifier(head!));
    return [`${value} AS ${identifier(name!)}`];
  });
  const from = inner.length > 0 ? `FROM (SELECT *, ${inner.join(', ')} FROM ${table})` : `FROM ${table}`;
  const columns = inner.length > 0 ? await describe(`*, ${inner.join(', ')}`) : top;
  const names = columns.map(({ column_name }) => column_name);
  return {
    file,
    path,
    format: 'parquet',
    about: 'Parquet',
    names,
    hasHeader: true,
    quoted: false,
    from,
    expressions: names.map(identifier),
    types: columns.map(({ column_type }) => column_type),
    notes: [],
  };
}
