import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { DeviceError } from '../base/errors.js';

/** Both names of the variable that replaces the Vulkan loader's own search for drivers, the newer one first. */
const DRIVER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];

/** NVIDIA's manifest where a driver mounted into a container puts it, outside the loader's search path. */
const NVIDIA_MANIFESTS = [
  '/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json',
  '/usr/local/nvidia/vulkan/icd.d/nvidia_icd.json',
];

/**
 * The driver manifests that the Vulkan loader reads by default: those in the user's variables, else those in its search path (Khronos Vulkan-Loader,
 * LoaderDriverInterface.md, "Driver Discovery", and NixOS's folder).
 */
export function driverManifests(env: NodeJS.ProcessEnv = process.env): string[] {
  for (const name of DRIVER_VARIABLES) {
    if (env[name]) return env[name].split(delimiter).filter(existsSync);
  }
  const folders = [
    env.XDG_CONFIG_HOME || join(homedir(), '.config'),
    ...(env.XDG_CONFIG_DIRS || '/etc/xdg').split(delimiter),
    '/etc',
    '/usr/local/etc',
    env.XDG_DATA_HOME || join(homedir(), '.local/share'),
    ...(env.XDG_DATA_DIRS || '/usr/local/share:/usr/share').split(delimiter),
    '/run/opengl-driver/share',
  ].map((folder) => join(folder, 'vulkan/icd.d'));
  return folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name)),
  );
}

/** NVIDIA's manifest, if it is where the loader does not look and the user has not chosen drivers. */
export function hiddenNvidiaManifest(): string | undefined {
  if (DRIVER_VARIABLES.some((name) => process.env[name])) return undefined;
  return NVIDIA_MANIFESTS.find(existsSync);
}

/**
 * Makes one synchronous call during which the Vulkan loader sees only the driver with the given manifest or, without one, the drivers that it finds
 * itself. The loader reads the environment whenever an instance is made.
 */
export function withDriver<T>(manifest: string | undefined, call: () => T): T {
  // Lavapipe complains on stderr without it; nothing is written there.
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  if (!manifest) return call();
  const before = DRIVER_VARIABLES.map((name) => process.env[name]);
  for (const name of DRIVER_VARIABLES) process.env[name] = manifest;
  try {
    return call();
  } finally {
    DRIVER_VARIABLES.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
  }
}

/**
 * Makes sure that Dawn finds a Vulkan loader. LD_LIBRARY_PATH is read only when a process starts, and besides the system's folders Dawn searches only its
 * own folder inside node_modules. So on a machine without a loader, a link to the given one is put there.
 * @throws DeviceError if there is no loader and node_modules cannot be written
 */
export function linkLoader(loader: string): void {
  const dawn = join(dirname(createRequire(import.meta.url).resolve('webgpu')), 'dist', `linux-${process.arch}`);
  const link = join(dawn, 'libvulkan.so.1');
  if (existsSync(link) || systemHasLoader()) return;
  try {
    rmSync(link, { force: true }); // a link into a cache that was deleted
    symlinkSync(loader, link);
  } catch (cause) {
    if (existsSync(link)) return; // another process was faster
    throw new DeviceError(
      `no Vulkan loader (libvulkan.so.1) on this system and ${dawn} is not writable: install libvulkan1, or set LD_LIBRARY_PATH=${dirname(loader)}`,
      { cause },
    );
  }
}

function systemHasLoader(): boolean {
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(delimiter).filter(Boolean);
  if (folders.some((folder) => existsSync(join(folder, 'libvulkan.so.1')))) return true;
  const cache = '/etc/ld.so.cache';
  return existsSync(cache) && readFileSync(cache).includes('libvulkan.so.1');
}
