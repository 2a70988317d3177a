import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { cacheFolder } from '../../src/node/cache.js';
import { fetchPackage } from '../../src/node/swiftshader.js';
import { untar } from '../../src/node/tar.js';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
const PROGRAMS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** Chromium looks for it beside itself. */
const SWIFTSHADER = 'libvk_swiftshader.so';

/** WebGPU without a window, on Chromium's own SwiftShader: the same adapter on every machine. */
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

/**
 * A headless Chromium: $GSAS_CHROMIUM, or one that is installed, or on Linux the one in the npm package that SwiftShader comes from,
 * with the libraries that it needs, kept in the user's cache.
 * @param options.webgpu pages have WebGPU
 * @returns undefined, after saying why, if there is none
 */
export async function openChromium({ webgpu = false } = {}): Promise<Browser | undefined> {
  try {
    const installed = process.env.GSAS_CHROMIUM || onPath() || PROGRAMS.find((program) => existsSync(program));
    const { program, libraries } = installed ? { program: installed, libraries: '' } : await packaged();
    const environment = { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) };
    const env = environment as Record<string, string>;
    return await chromium.launch({
      executablePath: program,
      args: ['--no-sandbox', ...(webgpu ? WEBGPU : ['--disable-gpu'])],
      env,
    });
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    console.warn(`NOT TESTED in a browser: no Chromium could be started (${line}); name one by GSAS_CHROMIUM`);
    return undefined;
  }
}

function onPath(): string | undefined {
  const find = process.platform === 'win32' ? 'where' : 'which';
  for (const command of COMMANDS) {
    try {
      return execFileSync(find, [command], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).split('\n')[0];
    } catch {}
  }
  return undefined;
}

async function packaged(): Promise<{ program: string; libraries: string }> {
  const folder = join(cacheFolder(), 'chromium');
  const found = { program: join(folder, 'chromium'), libraries: join(folder, 'lib') };
  if (existsSync(join(folder, SWIFTSHADER))) return found;
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('none is installed');
  const members = untar(gunzipSync(await fetchPackage()));
  const unpack = (name: string) => brotliDecompressSync(members.get(`package/bin/${name}.br`)!);
  await mkdir(cacheFolder(), { recursive: true });
  const temporary = await mkdtemp(`${folder}.`);
  await mkdir(join(temporary, 'lib'));
  for (const [name, data] of untar(unpack('al2023.tar')))
    if (name.startsWith('lib/') && data.length > 0) await writeFile(join(temporary, name), data);
  for (const [name, data] of untar(unpack('swiftshader.tar')))
    if (data.length > 0) await writeFile(join(temporary, name), data);
  await writeFile(join(temporary, 'chromium'), unpack('chromium'));
  await chmod(join(temporary, 'chromium'), 0o755);
  // Left without SwiftShader. A complete one is another test's, which is just as good, and makes the rename fail.
  if (!existsSync(join(folder, SWIFTSHADER))) await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder).catch(() => rm(temporary, { recursive: true }));
  return found;
}
