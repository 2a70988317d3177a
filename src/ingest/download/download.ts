import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { InputError } from '../../base/errors.js';
import { makeFolders } from '../../store/make-folders.js';
import { refuseOccupied } from '../folder.js';
import { type ImportReport, importInteractions } from '../import.js';
import { PUBLIC_DATASETS, type PublicDataset } from './catalogue.js';
import { fetchFile, verifyFile } from './fetch.js';
import { unzip } from './unzip.js';

/** Where a public dataset comes from and goes to. */
export interface DownloadOptions {
  /** Folder to write. */
  readonly out: string;
  /** The public file, if it was fetched by other means; the network is not used. */
  readonly from?: string;
  /** Another address of the same file. */
  readonly url?: string;
  /** Folder in which fetched files stay; the user's cache by default. */
  readonly cache?: string;
  /** Replaces a dataset in `out`. */
  readonly force?: boolean;
  readonly memoryLimit?: string;
  readonly signal?: AbortSignal;
  /** Called with each stage as it begins. */
  readonly onProgress?: (step: string) => void;
  /** Called with the bytes fetched so far, and in total if the server says. */
  readonly onBytes?: (have: number, total: number | undefined) => void;
}

/**
 * Fetches a public dataset, once, verifies its digest, and imports it as papers use it.
 * @param name a key of `PUBLIC_DATASETS`
 * @throws InputError on an unknown name or as `importInteractions`; GsasError, with a way out, if it cannot be fetched
 */
export async function downloadDataset(name: string, options: DownloadOptions): Promise<ImportReport> {
  if (!Object.hasOwn(PUBLIC_DATASETS, name))
    throw new InputError(`there is no public dataset ${name}; there are ${Object.keys(PUBLIC_DATASETS).join(', ')}`);
  return importPublic(PUBLIC_DATASETS[name], options);
}

/** What `downloadDataset` does, for a dataset that is not in the list. */
export async function importPublic(dataset: PublicDataset, options: DownloadOptions): Promise<ImportReport> {
  const { out, from, force = false, cache = userCache(), memoryLimit, signal, onProgress } = options;
  refuseOccupied(out, force);
  const file = from ?? (await fetchOnce(dataset, { ...options, cache }));
  if (from !== undefined) {
    if (!existsSync(from)) throw new InputError(`there is no file ${from}`);
    await verifyFile(from, dataset.digest);
  }
  makeFolders(cache);
  const work = mkdtempSync(join(cache, 'unpacked-'));
  try {
    const members = [dataset.log, dataset.titles].filter((member) => member !== undefined);
    if (members.length > 0) onProgress?.(`unpacking ${members.join(', ')}`);
    const [log, titles] = members.length > 0 ? await unzip(file, members, work, signal) : [file];
    return await importInteractions({
      ...dataset.options,
      files: [log!],
      ...(titles !== undefined && { titles: { ...dataset.titleOptions, file: titles } }),
      ...{ out, force },
      ...(memoryLimit !== undefined && { memoryLimit }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @returns the file in the cache, fetched unless it is there already */
async function fetchOnce(dataset: PublicDataset, options: DownloadOptions & { cache: string }): Promise<string> {
  const { url = dataset.url, cache, signal, onBytes, onProgress } = options;
  const file = join(cache, basename(new URL(dataset.url).pathname));
  if (existsSync(file)) return file;
  makeFolders(cache);
  onProgress?.(`fetching ${url}`);
  await fetchFile(url, file, { digest: dataset.digest, signal, ...(onBytes && { onBytes }) });
  return file;
}

function userCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gsas-wgpu', 'data');
}
