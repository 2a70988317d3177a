import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { DeviceError } from '../base/errors.js';

/** Both names of the variable that replaces the drivers which the Vulkan loader finds by itself, the newer one first. */
const DRIVER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];

/** NVIDIA's manifest where a driver mounted into a container puts it, out of the loader's sight. */
const NVIDIA_MANIFESTS = [
  '/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json',
  '/usr/local/nvidia/vulkan/icd.d/nvidia_icd.json',
];

/**
 * The driver manifests that the Vulkan loader reads when it is left alone: those in the user's variables, else those in
 * its search path (Khronos Vulkan-Loader, LoaderDriverInterface.md, "Driver Discovery", and NixOS's folder).
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

/** NVIDIA's manifest, if it lies where the loader does not look and the user has not chosen drivers. */
export function hiddenNvidiaManifest(): string | undefined {
  if (DRIVER_VARIABLES.some((name) => process.env[name])) return undefined;
  return NVIDIA_MANIFESTS.find(existsSync);
}

/**
 * Makes one synchronous call during which the Vulkan loader sees the given driver only (its manifest), or, without one,
 * the drivers that it finds by itself. The loader reads the environment whenever an instance is made.
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
 * Sees to it that Dawn finds a Vulkan loader. LD_LIBRARY_PATH is read only when a process starts, and the one folder that
 * Dawn searches besides the system's is its own, inside node_modules: so that is where, on a machine without a loader, a
 * link to the given one is put.
 * @throws DeviceError where there is no loader and node_modules may not be written.
 */
export function linkLoader(loader: string): void {
  const dawn = join(dirname(createRequire(import.meta.url).resolve('webgpu')), 'dist', `linux-${process.arch}`);
  const link = join(dawn, 'libvulkan.so.1');
  if (existsSync(link) || systemHasLoader()) return;
  try {
    rmSync(link, { force: true }); // a link into a cache that is gone
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
