import { DeviceError, InputError } from '../base/errors.js';
import { howToInstallHere, nvidiaAdvice } from './advice.js';
import { findSwiftshader } from './swiftshader.js';
import { dawnFlags } from './toggles.js';
import { driverManifests, hiddenNvidiaManifest, linkLoader, withDriver } from './vulkan.js';

/** An adapter that Dawn offers. */
export interface FoundAdapter {
  /** The device's name, such as "nvidia-h100-80gb-hbm3" or "llvmpipe-llvm-15-0-6-256-bits". */
  name: string;
  /** The driver's description of itself. */
  driver: string;
  /** Whether it computes on the CPU. */
  software: boolean;
  adapter: GPUAdapter;
  gpu: GPU;
}

/** Which adapter to use. */
export interface AdapterOptions {
  /** Part of an adapter's name in any case, or `lavapipe` or `swiftshader`. Default: the environment's GSAS_ADAPTER. */
  adapter?: string;
}

/**
 * Instances of Dawn by their flags and driver. Dawn aborts the process when an instance is garbage-collected before its device, so each is kept. Each
 * loads the driver's whole library into memory, so all devices share one. `Gpu` keeps a device's adapter.
 */
const instances = new Map<string, GPU>();

/**
 * Dawn with our flags and the given ones, and the adapter that it prefers; null if it has none.
 * @param manifest the only Vulkan driver to look at
 * @throws DeviceError if there is no Dawn for this platform
 */
export async function requestAdapter(
  flags: readonly string[],
  manifest?: string,
): Promise<{ gpu: GPU; adapter: GPUAdapter | null }> {
  const { create } = await import('webgpu').catch((cause) => {
    throw new DeviceError(
      `Dawn (npm webgpu) cannot be loaded on ${process.platform}-${process.arch}: ${String(cause.message).split('\n')[0]}`,
      { cause },
    );
  });
  const all = [...dawnFlags(), ...flags];
  const key = JSON.stringify([all, manifest ?? driverManifests()]);
  const gpu = instances.get(key) ?? create(all);
  instances.set(key, gpu);
  const adapter = await withDriver(manifest, () => gpu.requestAdapter({ powerPreference: 'high-performance' }));
  return { gpu, adapter };
}

/** How good a choice an adapter is, 0 the best: a real GPU, lavapipe (or WARP), then SwiftShader, which is slower. */
function rank({ name, software }: { name: string; software: boolean }): number {
  return software ? (name.includes('swiftshader') ? 2 : 1) : 0;
}

/** The best of `adapters` whose name contains `wanted`; among equals the first, which is the one that Dawn prefers. */
export function chooseAdapter<A extends { name: string; software: boolean }>(
  adapters: readonly A[],
  wanted = '',
): A | undefined {
  const part = /^lavapipe$/i.test(wanted) ? 'llvmpipe' : identifier(wanted);
  return adapters.filter(({ name }) => name.includes(part)).sort((a, b) => rank(a) - rank(b))[0];
}

/** A device's name as WebGPU gives it (GPUAdapterInfo, "normalized identifier string"), without the outer dashes. */
function identifier(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** The requested adapter's name, from the options or the environment; undefined for the best one. */
export function wantedAdapter(options: AdapterOptions): string | undefined {
  return options.adapter || process.env.GSAS_ADAPTER || undefined;
}

/** A place to look for adapters: all drivers that the system has, or only the one with this manifest. */
interface Place {
  manifest?: string;
  /** The Vulkan loader that comes with the driver, for a system without one. Only SwiftShader, the last resort, has one. */
  loader?: string;
}

function places(wanted: string | undefined): Place[] {
  if (process.platform !== 'linux') return [{}];
  const found: Place[] = [];
  // Without a manifest there is nothing to find, and Dawn would complain on stderr.
  if (driverManifests().length > 0) found.push({});
  const nvidia = hiddenNvidiaManifest();
  if (nvidia) found.push({ manifest: nvidia });
  const swiftshader = findSwiftshader();
  if (swiftshader && /^swiftshader$/i.test(wanted ?? '')) found.unshift(swiftshader);
  else if (swiftshader) found.push(swiftshader);
  return found;
}

/**
 * The adapters of one place: only Dawn's first one if that is `enough`, else all. Dawn puts discrete GPUs before integrated ones, and those before
 * software. It has no call that lists adapters, but it names them when asked for one that does not exist. Each look takes up to a few tenths of a
 * second and repeats Dawn's warnings on stderr.
 */
async function look(place: Place, enough: (adapter: FoundAdapter) => boolean): Promise<FoundAdapter[]> {
  if (place.loader) linkLoader(place.loader);
  const request = async (...flags: string[]): Promise<FoundAdapter | undefined> => {
    const { gpu, adapter } = await requestAdapter(flags, place.manifest);
    if (!adapter) return undefined;
    const { device, description, isFallbackAdapter } = adapter.info;
    return { name: identifier(device), driver: description, software: isFallbackAdapter, adapter, gpu };
  };
  const first = await request();
  if (!first) return [];
  if (enough(first)) return [first];
  const list = await request('adapter=(the name of no adapter)').then(() => '', String);
  const names = new Set([...list.matchAll(/^ \* backend: '.*', name: '(.*)'$/gm)].map((match) => match[1]));
  const found: FoundAdapter[] = [];
  for (const name of names) {
    const adapter = identifier(name) === first.name ? first : await request(`adapter=${name}`);
    if (adapter) found.push(adapter);
  }
  return found;
}

/** The adapters found, which one to use, if any, and why. */
export interface Survey {
  seen: FoundAdapter[];
  chosen: FoundAdapter | undefined;
  why: string;
}

/** Looks for the adapter to use, place by place until later places cannot be better or, with `all`, everywhere. */
export async function surveyAdapters(options: AdapterOptions & { all?: boolean } = {}): Promise<Survey> {
  const wanted = wantedAdapter(options);
  const seen: FoundAdapter[] = [];
  for (const place of places(wanted)) {
    const best = chooseAdapter(seen, wanted);
    if (best && !options.all && (wanted || !best.software || place.loader)) break;
    const unbeatable = (adapter: FoundAdapter) => rank(adapter) < 2 && chooseAdapter([adapter], wanted) !== undefined;
    const found = await look(place, options.all ? () => false : unbeatable);
    seen.push(...found.filter(({ name }) => !seen.some((other) => other.name === name)));
  }
  const chosen = chooseAdapter(seen, wanted);
  return { seen, chosen, why: reason(chosen, wanted) };
}

function reason(chosen: FoundAdapter | undefined, wanted: string | undefined): string {
  if (wanted) return chosen ? `asked for by name ("${wanted}")` : `no adapter is called "${wanted}"`;
  if (!chosen) return 'there is no adapter';
  return chosen.software ? 'the fastest software adapter here; there is no real GPU' : 'a real GPU';
}

/**
 * The adapter that every command, library call and test uses: the requested one, else a real GPU, else lavapipe, else SwiftShader from the user's
 * cache. An adapter gives one device.
 * @throws InputError if no adapter has the requested name; DeviceError if there is none at all
 */
export async function openAdapter(options: AdapterOptions = {}): Promise<FoundAdapter & { why: string }> {
  const { seen, chosen, why } = await surveyAdapters(options);
  if (chosen) return { ...chosen, why };
  const names = seen.map(({ name }) => name);
  if (wantedAdapter(options)) {
    const here = names.length > 0 ? `here: ${names.join(', ')}` : 'there is none here';
    throw new InputError(`${why} (${here}); lavapipe and swiftshader come with \`gsas-wgpu doctor --install NAME\``);
  }
  const advice = nvidiaAdvice(names) ?? howToInstallHere();
  throw new DeviceError(`no GPU adapter found; run \`gsas-wgpu doctor --install\`, or: ${advice}`);
}
