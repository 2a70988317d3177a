import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { DeviceError } from '../base/errors.js';
import { cacheFolder } from './cache.js';
import { untar } from './tar.js';

/**
 * SwiftShader, Google's Vulkan on the CPU (MIT), from the npm package @sparticuz/chromium: the only build available without root. Only this member of
 * the package is used; its Chromium is discarded.
 */
const PACKAGE = '@sparticuz/chromium';
const VERSION = '153.0.0';
const INTEGRITY = 'sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==';
const MEMBER = 'package/bin/swiftshader.tar.br';
const DRIVER = 'libvk_swiftshader.so';
const LOADER = 'libvulkan.so.1';
const MANIFEST = 'vk_swiftshader_icd.json';

/** Where SwiftShader is installed: a folder for this version in the user's cache. */
function swiftshaderFolder(): string {
  return join(cacheFolder(), `swiftshader-${VERSION}`);
}

/** The installed driver's manifest (for VK_ICD_FILENAMES) and the Vulkan loader that comes with it, if installed. */
export function findSwiftshader(): { manifest: string; loader: string } | undefined {
  const manifest = join(swiftshaderFolder(), MANIFEST);
  return existsSync(manifest) ? { manifest, loader: join(swiftshaderFolder(), LOADER) } : undefined;
}

/** Throws a DeviceError unless `data` has the given `sha512-…` digest (Subresource Integrity, as in package-lock.json). */
export function checkIntegrity(data: Uint8Array, integrity: string, what: string): void {
  const found = `sha512-${createHash('sha512').update(data).digest('base64')}`;
  if (found !== integrity)
    throw new DeviceError(`${what} is not the file expected: its digest is ${found}, not ${integrity}`);
}

/** Extracts the driver and its loader from the package's tarball into `folder`, whole or not at all. */
export async function unpackSwiftshader(tarball: Uint8Array, folder: string): Promise<void> {
  const packed = untar(gunzipSync(tarball)).get(MEMBER);
  if (!packed) throw new DeviceError(`${PACKAGE}@${VERSION} has no ${MEMBER}`);
  const files = untar(brotliDecompressSync(packed));
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(`${folder}.`);
  try {
    for (const name of [DRIVER, LOADER]) {
      const data = files.get(name);
      if (!data) throw new DeviceError(`${MEMBER} of ${PACKAGE}@${VERSION} has no ${name}`);
      await writeFile(join(temporary, name), data, { mode: 0o755 });
    }
    // The manifest inside names the library relative to itself, but the loader reliably accepts only an absolute path.
    const ICD = { library_path: join(folder, DRIVER), api_version: '1.1.0' };
    await writeFile(join(temporary, MANIFEST), JSON.stringify({ file_format_version: '1.0.0', ICD }));
    // Left by a broken installation. A complete one is another process's, and makes the rename fail.
    if (!existsSync(join(folder, MANIFEST))) await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process may have installed it meanwhile, which is just as good.
    if (!existsSync(join(folder, MANIFEST))) throw error;
  }
}

/**
 * Fetches SwiftShader from the user's npm registry into the cache folder, if it is not there yet.
 * @throws DeviceError if there is no build for this system, npm cannot fetch it, or the file is not the pinned one
 */
export async function installSwiftshader(log: (line: string) => void): Promise<void> {
  if (findSwiftshader()) return;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new DeviceError(`${PACKAGE} has SwiftShader for linux-x64 only, this is ${process.platform}-${process.arch}`);
  }
  log(`Fetching SwiftShader (npm ${PACKAGE}@${VERSION}, 70 MB, 7 MB of it kept) into ${swiftshaderFolder()}`);
  await unpackSwiftshader(await fetchPackage(), swiftshaderFolder());
}

/** The package's tarball, whose Chromium the tests of pages use if there is no other. @throws DeviceError as installSwiftshader */
export async function fetchPackage(): Promise<Uint8Array> {
  const spec = `${PACKAGE}@${VERSION}`;
  const temporary = await mkdtemp(join(tmpdir(), 'gsas-wgpu-'));
  try {
    const args = ['pack', spec, '--ignore-scripts', '--pack-destination', temporary];
    await promisify(execFile)('npm', args).catch((error) => {
      const lines = String(error.stderr || error.message).split('\n');
      const line = lines.find((text) => /ERR!|npm error|ENOENT/.test(text)) ?? error.message;
      throw new DeviceError(`npm could not fetch ${spec}: ${line}`, { cause: error });
    });
    const [packed] = await readdir(temporary);
    const tarball = await readFile(join(temporary, packed!));
    checkIntegrity(tarball, INTEGRITY, spec);
    return tarball;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
