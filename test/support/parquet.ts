import { DuckDBInstance } from '@duckdb/node-api';

/** Writes the rows of a query as Parquet. @returns the file */
export async function parquet(file: string, query: string): Promise<string> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(`COPY (${query}) TO '${file}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return file;
}
