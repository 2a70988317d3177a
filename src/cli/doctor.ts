import { type Command, Option } from 'commander';
import { type Capabilities, Gpu } from '../engine/gpu.js';
import type { TuningAnswer } from '../engine/tuning.js';
import { type Survey, surveyAdapters, wantedAdapter } from '../node/adapter.js';
import { howToInstallHere, nvidiaAdvice } from '../node/advice.js';
import { ensureAdapter, installSoftware, SOFTWARE_NAMES, type SoftwareName } from '../node/software.js';
import { boundsChecked } from '../node/toggles.js';
import { loadTuning, tunedFor } from '../node/tuning-cache.js';
import { describeAnswer } from './tune.js';

/** The limits that decide how large a table may be and how kernels are divided, with their units and what they bound. */
const LIMITS = {
  maxStorageBufferBindingSize: ['bytes', 'one table or activation seen by a kernel'],
  maxBufferSize: ['bytes', 'one buffer'],
  maxStorageBuffersPerShaderStage: ['', 'tensors a kernel may take'],
  maxComputeInvocationsPerWorkgroup: ['', 'threads in a workgroup'],
  maxComputeWorkgroupStorageSize: ['bytes', 'memory shared by a workgroup'],
} as const satisfies Partial<Record<keyof GPUSupportedLimits, readonly [string, string]>>;

/** The optional features that kernels or the profiler use, and what is lost without them. */
const FEATURES = {
  subgroups: 'kernels fall back to slower variants',
  'subgroup-size-control': 'kernels use subgroups only where they have one size',
  'shader-f16': 'all arithmetic is in f32',
  'timestamp-query': 'no GPU time per kernel (profiling)',
} as const;

/** What `doctor --json` prints. */
export interface Diagnosis {
  adapters: { name: string; driver: string; software: boolean }[];
  /** The name of the adapter that every command uses; null if there is none. */
  chosen: string | null;
  why: string;
  driver: string | null;
  software: boolean | null;
  /** Whether shaders check their indices: GSAS_ROBUST=1. */
  boundsChecked: boolean;
  /** Whether a device with the adapter's own limits could be opened; null if there is no adapter. */
  opens: boolean | null;
  limits: Record<string, number>;
  features: Record<string, boolean>;
  /** Lanes of a subgroup, smallest and largest; null without subgroups. */
  subgroupSize: [number, number] | null;
  /** Lanes that kernels rely on, 0 if they use no subgroups; null if no device opens. */
  subgroupsUsed: number | null;
  /** How subgroups differ from what kernels assume; null if they do not. */
  subgroupFault: string | null;
  /** What `tune` or a first training run found for the chosen adapter. */
  tuning: readonly TuningAnswer[];
  /** What to do about anything missing, one sentence each. */
  advice: string[];
}

/**
 * Describes the survey's choice.
 * @param opened what a device on it is capable of, or what went wrong when it was opened
 */
export function diagnose({ seen, chosen, why }: Survey, opened?: Capabilities | string): Diagnosis {
  const [capabilities, failure] = typeof opened === 'string' ? [undefined, opened] : [opened, undefined];
  const names = seen.map(({ name }) => name);
  const advice: string[] = [];
  const nvidia = nvidiaAdvice(names);
  if (nvidia) advice.push(nvidia);
  if (!chosen && names.length > 0) {
    advice.push(`ask for one of the adapters seen, or install lavapipe or swiftshader with \`doctor --install NAME\``);
  } else if (!chosen) {
    advice.push(`let \`gsas-wgpu doctor --install\` get a software adapter, or: ${howToInstallHere()}`);
  } else if (failure) {
    advice.push(
      `the device does not open (${failure}): update its driver, or choose another adapter with --adapter NAME`,
    );
  } else if (/swiftshader/i.test(chosen.name) && !names.some((name) => /llvmpipe/.test(name))) {
    advice.push(`lavapipe is 3 to 10 times faster than SwiftShader: ${howToInstallHere()}`);
  }
  const { adapter } = chosen ?? {};
  const has = (feature: string) => adapter?.features.has(feature as GPUFeatureName) ?? false;
  const { subgroupMinSize, subgroupMaxSize } = adapter?.info ?? {};
  return {
    adapters: seen.map(({ name, driver, software }) => ({ name, driver, software })),
    chosen: chosen?.name ?? null,
    why,
    driver: chosen?.driver ?? null,
    software: chosen?.software ?? null,
    boundsChecked: boundsChecked(),
    opens: chosen ? !failure : null,
    limits: Object.fromEntries(
      adapter ? Object.keys(LIMITS).map((key) => [key, adapter.limits[key as keyof typeof LIMITS]]) : [],
    ),
    features: Object.fromEntries(adapter ? Object.keys(FEATURES).map((key) => [key, has(key)]) : []),
    subgroupSize: has('subgroups') ? [subgroupMinSize!, subgroupMaxSize!] : null,
    subgroupsUsed: capabilities?.subgroupSize ?? null,
    subgroupFault: capabilities?.subgroupFault ?? null,
    tuning: adapter ? loadTuning(tunedFor(adapter.info)) : [],
    advice,
  };
}

/** The diagnosis as text for a person. */
export function describe(diagnosis: Diagnosis): string {
  const { adapters, chosen, why, driver, software, limits, features, tuning, advice } = diagnosis;
  const table = (rows: string[][]) => {
    const width = Math.max(...rows.map(([first]) => first!.length));
    return rows.map(([first, ...rest]) => `  ${first!.padEnd(width)}  ${rest.filter(Boolean).join('  ')}`);
  };
  const lines = ['Adapters seen'];
  if (adapters.length === 0) lines.push('  none');
  else lines.push(...table(adapters.map((seen) => [seen.name, seen.software ? 'software' : 'GPU', seen.driver])));
  lines.push('', `Chosen: ${chosen ?? 'none'}`, `  why       ${why}`);
  if (chosen) {
    lines.push(`  driver    ${driver}`, `  software  ${software ? 'yes: it computes on the CPU' : 'no'}`);
    lines.push(
      `  indices   ${diagnosis.boundsChecked ? 'checked' : 'not checked by shaders; GSAS_ROBUST=1 has them checked'}`,
    );
    const amount = (value: number, unit: string) =>
      unit === 'bytes' ? (value >= 2 ** 20 ? `${Math.floor(value / 2 ** 20)} MiB` : `${value / 1024} KiB`) : `${value}`;
    lines.push('', 'Limits that matter here');
    lines.push(
      ...table(Object.entries(LIMITS).map(([key, [unit, what]]) => [key, amount(limits[key], unit).padEnd(10), what])),
    );
    lines.push('', 'Features that matter here');
    lines.push(
      ...table(
        Object.entries(FEATURES).map(([key, loss]) => {
          return [key, features[key] ? `yes  ${key === 'subgroups' ? subgroupText(diagnosis) : ''}` : `no: ${loss}`];
        }),
      ),
    );
    lines.push('', 'Kernels tuned');
    if (tuning.length === 0) lines.push('  none yet: `gsas-wgpu tune` measures them, or the first `train` on a shape');
    lines.push(...tuning.map((answer) => `  ${describeAnswer(answer)}`));
  }
  if (advice.length > 0) lines.push('', 'What to do', ...advice.map((line) => `  ${line}`));
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** The sizes of subgroups, and what kernels use. */
function subgroupText({ subgroupSize, subgroupsUsed, subgroupFault }: Diagnosis): string {
  const sizes = `${[...new Set(subgroupSize)].join(' to ')} lanes`;
  if (subgroupFault) return `${sizes}; not used: ${subgroupFault}`;
  if (subgroupsUsed === null) return sizes;
  return `${sizes}; ${subgroupsUsed > 0 ? `kernels rely on ${subgroupsUsed}, confirmed by a probe` : 'not used'}`;
}

async function doctor(options: { install?: true | SoftwareName; json?: boolean }): Promise<void> {
  const log = (line: string) => process.stderr.write(`${line}\n`);
  if (typeof options.install === 'string') await installSoftware(options.install, log);
  else if (options.install) await ensureAdapter(log);
  const survey = await surveyAdapters({ all: true });
  const diagnosis = diagnose(survey, await open(survey));
  console.log(options.json ? JSON.stringify(diagnosis, null, 2) : describe(diagnosis));
  // An unknown adapter's name is a mistake, as for every other command.
  if (!diagnosis.opens) process.exitCode = wantedAdapter({}) !== undefined && !survey.chosen ? 2 : 1;
}

/** What a device on the chosen adapter is capable of, or why there is none. */
async function open({ chosen }: Survey): Promise<Capabilities | string | undefined> {
  if (!chosen) return undefined;
  try {
    const gpu = await Gpu.open(chosen.adapter);
    gpu.close();
    return gpu.capabilities;
  } catch (error) {
    return (error as Error).message;
  }
}

/** `gsas-wgpu doctor`: the adapters there are, and what to do if there is none. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('show the GPU adapters, the one that is used and why, and what to do where there is none')
    .addOption(
      new Option(
        '--install [software]',
        'install a software adapter where there is no other, or the one named',
      ).choices(SOFTWARE_NAMES),
    )
    .option('--json', 'print JSON')
    .action(doctor);
}
