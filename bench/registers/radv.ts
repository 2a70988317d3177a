import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DeviceError, GsasError } from '../../src/base/errors.js';
import { driverManifests } from '../../src/node/vulkan.js';
import { ROOT } from '../common/setting.js';
import type { Shader } from './models.js';

/** Hardware that Mesa's RADV compiles for without having it, by RADV's name. */
export const FAMILIES = {
  navi31: { name: 'RDNA 3', lanes: 32 },
  polaris10: { name: 'GCN 4', lanes: 64 },
} as const;

export type Family = keyof typeof FAMILIES;

/** The source folder of this file, wherever it runs from. */
const HERE = join(ROOT, 'bench', 'registers');

/** What the compiler made of a shader. */
export interface Compiled extends Shader {
  /** 32-bit vector registers per lane. */
  registers: number;
  /** Registers that did not fit and are in memory instead, vector and scalar ones. */
  spilled: number;
  /** Bytes of memory per lane for spills and for arrays that are indexed at run time. */
  scratch: number;
  /** Bytes of workgroup memory. */
  shared: number;
  /** Subgroups that a SIMD unit holds at a time, as registers and workgroup memory allow. */
  waves: number;
  instructions: number;
  /** The compiler's estimates in cycles, loops weighted: of one subgroup alone, and of each of many. */
  latency: number;
  throughput: number;
}

/** RADV's words for them, in its statistics (src/amd/compiler/aco_statistics.cpp). */
const STATISTICS = {
  registers: ['VGPRs'],
  spilled: ['Spilled VGPRs', 'Spilled SGPRs'],
  scratch: ['Scratch size'],
  shared: ['LDS size'],
  waves: ['Subgroups per SIMD'],
  instructions: ['Instructions'],
  latency: ['Latency'],
  throughput: ['Inverse Throughput'],
} as const satisfies Partial<Record<keyof Compiled, readonly string[]>>;

/** Stands before the number of a shader in what the compiling process writes. */
const MARK = '@shader ';

/** RADV's manifest among those that the Vulkan loader reads; undefined if Mesa lacks it. */
export function radvManifest(): string | undefined {
  return driverManifests().find((path) => basename(path).startsWith('radeon_icd'));
}

/** What a compiler made of shaders, and the compiler's name. */
export interface Compilation {
  driver: string;
  shaders: Compiled[];
}

/**
 * Compiles shaders for hardware that need not be there.
 * @throws DeviceError if there is no RADV, no C compiler for the layer that it needs, or it crashes
 */
export function compileFor(family: Family, shaders: readonly Shader[]): Compilation {
  const manifest = radvManifest();
  if (!manifest) {
    throw new DeviceError('needs RADV, which comes with mesa-vulkan-drivers: `gsas-wgpu doctor --install lavapipe`');
  }
  const folder = mkdtempSync(join(tmpdir(), 'gsas-registers-'));
  try {
    const layer = buildLayer(folder);
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(HERE, 'compile.mjs'), MARK], {
      input: JSON.stringify(shaders.map(({ kernel, source }) => ({ kernel, source }))),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      env: {
        ...process.env,
        RADV_FORCE_FAMILY: family,
        RADV_DEBUG: 'shaderstats,nocache',
        VK_DRIVER_FILES: manifest,
        VK_ICD_FILENAMES: manifest,
        VK_LAYER_PATH: folder,
        VK_INSTANCE_LAYERS: layer,
        XDG_RUNTIME_DIR: folder,
      },
    });
    if (status !== 0 || !stderr.includes(`${MARK}end`)) {
      const last = stderr.trim().split('\n').at(-1);
      throw new DeviceError(`RADV did not compile for ${family} (${signal ?? `exit code ${status}`}): ${last}`);
    }
    return { driver: stdout, shaders: readStatistics(stderr, shaders) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The numbers in what RADV wrote. @throws GsasError where a shader has none, or another Mesa names them otherwise */
export function readStatistics(text: string, shaders: readonly Shader[]): Compiled[] {
  const parts = text.split(new RegExp(`^${MARK}`, 'm'));
  return shaders.map((shader, i) => {
    const part = parts.find((candidate) => candidate.startsWith(`${i}\n`)) ?? '';
    const numberOf = (name: string) => {
      const found = new RegExp(`^${name}: (\\d+)$`, 'm').exec(part);
      if (!found) throw new GsasError(`RADV gives no "${name}" for ${shader.kernel} of ${shader.model}`);
      return Number(found[1]);
    };
    const read = Object.entries(STATISTICS).map(([key, names]) => [key, names.map(numberOf).reduce((a, b) => a + b)]);
    return { ...shader, ...Object.fromEntries(read) };
  });
}

/** Builds commandless.c in a folder where the Vulkan loader finds it. @returns the layer's name */
function buildLayer(folder: string): string {
  const name = 'VK_LAYER_GSAS_commandless';
  const library = join(folder, 'commandless.so');
  const source = join(HERE, 'commandless.c');
  const { status, error, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source], {
    encoding: 'utf8',
  });
  if (error || status !== 0) {
    throw new DeviceError(`needs a C compiler (cc): ${error ? error.message : stderr.trim().split('\n')[0]}`);
  }
  const layer = {
    name,
    type: 'GLOBAL',
    library_path: library,
    api_version: '1.4.0',
    implementation_version: '1',
    description: 'command buffers that hold nothing',
  };
  writeFileSync(join(folder, 'layer.json'), JSON.stringify({ file_format_version: '1.2.0', layer }));
  return name;
}
