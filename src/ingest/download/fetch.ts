import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { GsasError } from '../../base/errors.js';
import { get } from './http.js';

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 500;

/** Error codes of a missing network, for which an immediate retry is useless. */
const UNREACHABLE = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH'];

export interface FetchOptions {
  readonly digest: readonly ['md5' | 'sha256', string];
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes fetched so far, and in total if the server says. */
  readonly onBytes?: (have: number, total: number | undefined) => void;
}

/**
 * Fetches a file whose digest is known. Bytes go to `FILE.part`, from which a broken transfer continues, within this call or a later one. The file
 * itself appears only whole and verified.
 * @throws GsasError for a failing network or server or a wrong digest; the signal's reason if it is aborted
 */
export async function fetchFile(url: string, file: string, options: FetchOptions): Promise<void> {
  const part = `${file}.part`;
  const resumed = existsSync(part);
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(url, part, options);
      break;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof GsasError) throw error;
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (UNREACHABLE.includes(code) || attempt === ATTEMPTS) throw unreachable(url, code || message, error);
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** attempt));
    }
  }
  const found = await digestOf(part, options.digest[0]);
  if (found === options.digest[1]) return renameSync(part, file);
  rmSync(part);
  // The file may have changed on the server since its first part arrived.
  if (resumed) return fetchFile(url, file, options);
  throw wrongDigest(url, options.digest, found);
}

/** @throws GsasError unless a file has a digest */
export async function verifyFile(file: string, digest: FetchOptions['digest']): Promise<void> {
  const found = await digestOf(file, digest[0]);
  if (found !== digest[1]) throw wrongDigest(file, digest, found);
}

async function fetchRest(url: string, part: string, { signal, onBytes }: FetchOptions): Promise<void> {
  const have = existsSync(part) ? statSync(part).size : 0;
  const response = await get(url, { signal, ...(have > 0 && { headers: { range: `bytes=${have}-` } }) });
  const { statusCode = 0 } = response;
  // Nothing is left to fetch: the digest decides whether that is right.
  if (statusCode === 416) return void response.resume();
  if (statusCode !== 200 && statusCode !== 206) {
    response.resume();
    if (statusCode >= 500) throw new Error(`status ${statusCode}`);
    throw new GsasError(`${url}: the server answers with status ${statusCode}; ${BY_HAND}`);
  }
  await receive(response, part, statusCode === 206 ? have : 0, signal, onBytes);
}

async function receive(
  response: IncomingMessage,
  part: string,
  start: number,
  signal: AbortSignal | undefined,
  onBytes: FetchOptions['onBytes'],
): Promise<void> {
  const length = response.headers['content-length'];
  const total = length === undefined ? undefined : start + Number(length);
  let have = start;
  response.on('data', (bytes: Buffer) => {
    have += bytes.length;
    onBytes?.(have, total);
  });
  const file = createWriteStream(part, { flags: start > 0 ? 'a' : 'w' });
  await pipeline(response, file, signal ? { signal } : {});
}

async function digestOf(file: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const BY_HAND = 'fetch it elsewhere and name it with --from FILE';

function unreachable(url: string, reason: string, cause: unknown): GsasError {
  return new GsasError(
    `cannot fetch ${url} (${reason}): set HTTPS_PROXY where there is a proxy, run this again to go on where it broke off, or ${BY_HAND}`,
    { cause },
  );
}

function wrongDigest(what: string, [algorithm, expected]: FetchOptions['digest'], found: string): GsasError {
  return new GsasError(
    `${what} is not the file expected: its ${algorithm} is ${found}, not ${expected}; try another address with --url, or another file with --from`,
  );
}
