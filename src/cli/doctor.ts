import { type Command, Option } from 'commander';
import { Gpu } from '../engine/gpu.js';
import type { TuningAnswer } from '../engine/tuning.js';
import { type Survey, surveyAdapters, wantedAdapter } from '../node/adapter.js';
import { howToInstallHere, nvidiaAdvice } from '../node/advice.js';
import { ensureAdapter, installSoftware, SOFTWARE_NAMES, type SoftwareName } from '../node/software.js';
import { boundsChecked } from '../node/toggles.js';
import { loadTuning, tunedFor } from '../node/tuning-cache.js';
import { describeAnswer } from './tune.js';

/** The limits that decide how large a table may be and how a kernel is cut, with their units and what they bound. */
const LIMITS = {
  maxStorageBufferBindingSize: ['bytes', 'one table or activation seen by a kernel'],
  maxBufferSize: ['bytes', 'one buffer'],
  maxStorageBuffersPerShaderStage: ['', 'tensors a kernel may take'],
  maxComputeInvocationsPerWorkgroup: ['', 'threads in a workgroup'],
  maxComputeWorkgroupStorageSize: ['bytes', 'memory shared by a workgroup'],
} as const satisfies Partial<Record<keyof GPUSupportedLimits, readonly [string, string]>>;

/** The optional features that kernels or the profiler make use of, and what is lost without them. */
const FEATURES = {
  subgroups: 'kernels fall back to slower variants',
  'shader-f16': 'all arithmetic is in f32',
  'timestamp-query': 'no GPU time per kernel (profiling)',
} as const;

/** What `doctor --json` prints. */
export interface Diagnosis {
  adapters: { name: string; driver: string; software: boolean }[];
  /** The name of the adapter that every command uses; null where there is none. */
  chosen: string | null;
  why: string;
  driver: string | null;
  software: boolean | null;
  /** Whether shaders check their indices: GSAS_ROBUST=1. */
  boundsChecked: boolean;
  /** Whether the adapter gave a device with its own limits; null where there is no adapter. */
  opens: boolean | null;
  limits: Record<string, number>;
  features: Record<string, boolean>;
  /** Lanes of a subgroup, smallest and largest; null without subgroups. */
  subgroupSize: [number, number] | null;
  /** What `tune`, or a first training run, found for the chosen adapter. */
  tuning: readonly TuningAnswer[];
  /** What to do about what is missing, one sentence each. */
  advice: string[];
}

/** Describes the survey's choice. `failure` is what went wrong when a device was opened on it, if anything did. */
export function diagnose({ seen, chosen, why }: Survey, failure?: string): Diagnosis {
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
    tuning: adapter ? loadTuning(tunedFor(adapter.info)) : [],
    advice,
  };
}

/** The diagnosis as text for a person. */
export function describe(diagnosis: Diagnosis): string {
  const { adapters, chosen, why, driver, software, limits, features, subgroupSize, tuning, advice } = diagnosis;
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
          const size = key === 'subgroups' && subgroupSize ? `${[...new Set(subgroupSize)].join(' to ')} lanes` : '';
          return [key, features[key] ? `yes  ${size}` : `no: ${loss}`];
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

async function doctor(options: { install?: true | SoftwareName; json?: boolean }): Promise<void> {
  const log = (line: string) => process.stderr.write(`${line}\n`);
  if (typeof options.install === 'string') await installSoftware(options.install, log);
  else if (options.install) await ensureAdapter(log);
  const survey = await surveyAdapters({ all: true });
  let failure: string | undefined;
  try {
    if (survey.chosen) (await Gpu.open(survey.chosen.adapter)).close();
  } catch (error) {
    failure = (error as Error).message;
  }
  const diagnosis = diagnose(survey, failure);
  console.log(options.json ? JSON.stringify(diagnosis, null, 2) : describe(diagnosis));
  // A name that no adapter has is a mistake, as it is to every other command.
  if (!diagnosis.opens) process.exitCode = wantedAdapter({}) !== undefined && !survey.chosen ? 2 : 1;
}

/** `gsas-wgpu doctor`: what there is to compute on, and what to do where that is nothing. */
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
