import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import { GsasError, InputError } from '../base/errors.js';
import { optionalPackage } from '../base/optional.js';

/** More threads read no faster, and each needs its share of the memory. */
const MOST_THREADS = 8;

const MEMORY_LIMIT = '1GB';

export interface DatabaseOptions {
  /** Such as `2GB`; the default is 1GB. */
  readonly memoryLimit?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A DuckDB database in a folder of its own, so that tables larger than memory are kept on disk. Rows stay in the order of insertion. */
export class Database {
  readonly #stop: () => void;

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
    private readonly memoryLimit: string,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#stop = () => connection.interrupt();
    signal?.addEventListener('abort', this.#stop);
  }

  /** @param folder an existing empty folder */
  static async open(folder: string, { memoryLimit = MEMORY_LIMIT, signal }: DatabaseOptions): Promise<Database> {
    // Loaded on first use: it is large, and most commands never need it.
    const { DuckDBInstance } = await optionalPackage(
      () => import('@duckdb/node-api'),
      '@duckdb/node-api',
      'reading a log',
    );
    const config = {
      memory_limit: memoryLimit,
      temp_directory: join(folder, 'spilled'),
      threads: String(Math.min(availableParallelism(), MOST_THREADS)),
      preserve_insertion_order: 'true',
    };
    let instance: DuckDBInstance;
    try {
      instance = await DuckDBInstance.create(join(folder, 'work.duckdb'), config);
    } catch (error) {
      throw explain(error, memoryLimit);
    }
    const connection = await instance.connect();
    // A time without a zone is UTC, whatever the machine's zone.
    await connection.run("SET TimeZone = 'UTC'");
    return new Database(instance, connection, memoryLimit, signal);
  }

  close(): void {
    this.signal?.removeEventListener('abort', this.#stop);
    this.connection.closeSync();
    this.instance.closeSync();
  }

  /** Runs statements for their effect. */
  async run(sql: string): Promise<void> {
    await this.#guard(() => this.connection.run(sql));
  }

  /** All rows of a small result; 64-bit integers come as text. */
  async rows<Row extends object>(sql: string): Promise<Row[]> {
    return (await this.#guard(() => this.connection.runAndReadAll(sql))).getRowObjectsJson() as unknown as Row[];
  }

  /** The only row of a small result. */
  async row<Row extends object>(sql: string): Promise<Row> {
    return (await this.rows<Row>(sql))[0];
  }

  /** A large result, about 2,048 rows at a time. */
  async *stream(sql: string): AsyncGenerator<DuckDBDataChunk> {
    const result = await this.#guard(() => this.connection.stream(sql));
    for (;;) {
      const chunk = await this.#guard(() => result.fetchChunk());
      if (!chunk || chunk.rowCount === 0) return;
      yield chunk;
    }
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    this.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      this.signal?.throwIfAborted();
      throw explain(error, this.memoryLimit);
    }
  }
}

/** An error about the machine's limits in the command's words; other errors unchanged. */
function explain(error: unknown, memoryLimit: string): unknown {
  const reason = firstLine(error);
  if (/No space left on device|max_temp_directory_size/.test(reason))
    return new GsasError(`the disk is full; give --out a place on a larger one: ${reason}`, { cause: error });
  if (/^Out of Memory Error/.test(reason))
    return new InputError(`--memory-limit ${memoryLimit} is too small: ${reason}`, { cause: error });
  return error;
}

/** The first line of DuckDB's messages, which says what happened. */
export function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0].trim();
}

/** Text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
