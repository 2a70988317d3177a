import './webgpu.js';
import { DeviceError, DeviceLostError, type GsasError } from '../base/errors.js';
import { BufferUsage } from './flags.js';
import { deviceError, oneLine } from './gpu-error.js';
import { DeviceMemory } from './memory.js';
import { PipelineCache } from './pipelines.js';
import { BufferPool } from './pool.js';
import { probeSubgroups } from './probe.js';
import { Profiler } from './profiler.js';
import { Tuning } from './tuning.js';
import { UniformRing } from './uniforms.js';
import { MOST_WORK, type Share, sharesOf } from './work.js';

/** What kernels may rely on. These are baked into shaders, so a kernel looks here and nowhere else. */
export interface Capabilities {
  /** Lanes of a subgroup that kernels rely on; 0 where they use none. */
  readonly subgroupSize: number;
  /** Shaders state that size, which an adapter with several sizes requires. Otherwise the adapter has only one. */
  readonly subgroupSizeStated: boolean;
  /** How subgroups differ from what kernels assume, in which case kernels use none. */
  readonly subgroupFault?: string;
  readonly timestamps: boolean;
  /** Whether the adapter computes on the CPU, where a lane that waits for memory stalls all others. */
  readonly software: boolean;
}

/** Something that records commands for the device: a stream. */
export interface Recorder {
  /** Submits what it has recorded so far. */
  submit(): void;
}

/** How a device is used. */
export interface GpuOptions {
  /** False makes every kernel use its variant without subgroups. */
  subgroups?: boolean;
  /** Overrides whether the adapter counts as one that computes on the CPU, for which some kernels have variants. For tests of these. */
  software?: boolean;
  /** False skips the check that subgroups behave as kernels assume, on devices where nothing runs. */
  probe?: boolean;
  /** New buffers hold NaN instead of zeros: tests then notice what reads beyond a tensor's end, or before anything was written. */
  poison?: boolean;
  /** Measure GPU time per kernel. Each dispatch becomes a pass, which is a little slower. */
  profile?: boolean;
  /** Called with every wait for the GPU when it begins, so that a host whose binding polls can sleep meanwhile (`restDuring` in src/node/rest.ts). */
  onWait?: (work: Promise<unknown>) => void;
  /** Bytes of the host's memory, from which a software adapter's buffers come, too. Left out where it is not known. */
  hostMemory?: number;
  /** Multiply-adds of a submit at most; see `MOST_WORK`, the default. */
  mostWork?: number;
  /** Opens other devices of the same driver for `compileAhead`. For drivers that compile a shader at its first launch and store it on disk. */
  compilers?: () => Promise<Gpu[]>;
}

/** Sizes of subgroups, in order of preference. Wider ones leave lanes idle in rows of few columns. */
const SUBGROUP_SIZES = [32, 16, 8, 64, 4, 128];

const WANTED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** Keeps each adapter until its device has been collected: Dawn aborts the process when an adapter goes before its device. */
const adapters = new FinalizationRegistry<GPUAdapter>(() => {});

/** A device with the adapter's real limits, and what all its users share: buffer pools, pipelines, errors. */
export class Gpu {
  readonly pool: BufferPool;
  readonly staging: BufferPool;
  readonly pipelines: PipelineCache;
  /** Uniforms of the stream that records now. One ring for all: bind groups name it, and would keep a stream's own alive after it. */
  readonly uniforms: UniformRing;
  /** Which variants of kernels were measured to be the fastest. */
  readonly tuning = new Tuning();
  /** Set while GPU time is measured. No stream may have recorded work when it changes. */
  profiler: Profiler | undefined;
  /** Submits so far, of all streams. */
  submits = 0;
  #error: GsasError | undefined;
  #ids = 0;
  #recording: Recorder | undefined;
  #closed = false;

  private constructor(
    readonly adapter: GPUAdapter,
    readonly device: GPUDevice,
    readonly capabilities: Capabilities,
    private readonly options: GpuOptions,
  ) {
    const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
    const nextId = () => this.nextId();
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = BufferUsage;
    // A system that has promised more than it has kills the process that asks for it.
    const memory = new DeviceMemory(capabilities.software ? this.hostMemory : Infinity);
    this.pool = new BufferPool(device, STORAGE | COPY_SRC | COPY_DST, limit, nextId, memory, options.poison);
    this.staging = new BufferPool(device, MAP_READ | COPY_DST, device.limits.maxBufferSize, nextId, memory);
    this.pipelines = new PipelineCache(device);
    this.uniforms = new UniformRing(device, nextId);
    this.profiler = options.profile ? new Profiler(device) : undefined;
    const onError = (event: Event) => {
      event.preventDefault();
      this.fail(deviceError((event as GPUUncapturedErrorEvent).error, memory));
    };
    device.addEventListener('uncapturederror', onError);
    void device.lost.then((info) => {
      // Dawn's binding holds its listeners, and they hold all of this, so a device with one would never be collected.
      device.removeEventListener('uncapturederror', onError);
      if (!this.#closed) {
        this.fail(
          new DeviceLostError(
            `the GPU device was lost (${info.reason}): ${oneLine(info.message)}; restart from the last checkpoint`,
          ),
        );
      }
    });
  }

  /** @throws DeviceError if the adapter refuses a device with its own limits */
  static async open(adapter: GPUAdapter, options: GpuOptions = {}): Promise<Gpu> {
    const optional = ['subgroups', 'subgroup-size-control', 'timestamp-query'] as GPUFeatureName[];
    const requiredFeatures = optional.filter((feature) => adapter.features.has(feature));
    const requiredLimits: Record<string, number> = {};
    for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name];
    let device: GPUDevice;
    try {
      device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
    } catch (cause) {
      const asked = Object.entries(requiredLimits).map(([name, value]) => `${name}=${value}`);
      throw new DeviceError(
        `the adapter "${adapter.info.description}" gives no device with ${requiredFeatures.join(', ')} and ${asked.join(', ')}: ${oneLine(String(cause))}`,
        { cause },
      );
    }
    adapters.register(device, adapter);
    const timestamps = device.features.has('timestamp-query');
    if (options.profile && !timestamps) {
      throw new DeviceError(`profiling needs timestamp queries, which "${adapter.info.description}" does not offer`);
    }
    const capabilities: Capabilities = {
      ...(await subgroupsOf(adapter, device, options)),
      timestamps,
      software: options.software ?? adapter.info.isFallbackAdapter,
    };
    return new Gpu(adapter, device, capabilities, options);
  }

  /** Objects created on the device since it was opened. Training steps add none from the third on. */
  get created(): { buffers: number; pipelines: number; layouts: number } {
    return { buffers: this.pool.created + this.staging.created, ...this.pipelines.created };
  }

  /** See `GpuOptions.compilers`. */
  get compilers(): GpuOptions['compilers'] {
    return this.options.compilers;
  }

  /** Bytes of the host's memory; infinite where it is not known. */
  get hostMemory(): number {
    return this.options.hostMemory ?? Infinity;
  }

  /** Multiply-adds that one submit should not exceed. */
  get mostWork(): number {
    return this.options.mostWork ?? MOST_WORK;
  }

  /** See `sharesOf`. */
  sharesOf(workgroups: number, each: number): Share[] {
    const grid = this.device.limits.maxComputeWorkgroupsPerDimension;
    return sharesOf(workgroups, each, { most: this.mostWork, grid });
  }

  /** A number that no other buffer of this device has. */
  nextId(): number {
    return ++this.#ids;
  }

  /** Records an error; the first one counts. */
  fail(error: GsasError): void {
    this.#error ??= error;
  }

  /**
   * @throws the first error that the GPU has reported since the device was opened; a shader's own error comes before its consequences. Throws nothing
   * while the compiler still has to report on a shader.
   */
  check(): void {
    if (this.pipelines.awaitsReports) return;
    const error = this.pipelines.firstError ?? this.#error;
    if (error) throw error;
  }

  /** The error for work that failed although the device has reported nothing: `cause`, or that the device was closed. */
  failure(cause: unknown): unknown {
    return this.#closed ? new DeviceError('the GPU was closed before its work was done', { cause }) : cause;
  }

  /** Waits for the GPU to finish some work. */
  wait<T>(work: Promise<T>): Promise<T> {
    this.options.onWait?.(work);
    return work;
  }

  /** Waits until all that was submitted is done, or the device is gone. */
  async idle(): Promise<void> {
    await this.wait(this.device.queue.onSubmittedWorkDone()).catch(() => {});
  }

  /** Waits for the compiler's reports; then the same as `check`. */
  async settle(): Promise<void> {
    await this.wait(this.pipelines.reports());
    this.check();
  }

  /**
   * Work of all streams runs in the order in which it was recorded, because they share the pool's buffers: what another stream has recorded is
   * submitted before `recorder` goes on.
   * @throws DeviceError after `close`
   */
  turn(recorder: Recorder): void {
    if (this.#closed) throw new DeviceError('the GPU was closed; open another one to go on');
    const before = this.#recording;
    this.#recording = recorder;
    if (before !== recorder) before?.submit();
  }

  /** Destroys the device. Nothing that was made on it can be used any more, and nothing has to be released before. */
  close(): void {
    this.#closed = true;
    this.device.destroy();
  }
}

async function subgroupsOf(
  { info }: GPUAdapter,
  device: GPUDevice,
  { subgroups = true, probe = true }: GpuOptions,
): Promise<Pick<Capabilities, 'subgroupSize' | 'subgroupSizeStated' | 'subgroupFault'>> {
  const without = { subgroupSize: 0, subgroupSizeStated: false };
  const has = (feature: string) => device.features.has(feature as GPUFeatureName);
  if (!subgroups || !has('subgroups')) return without;
  const stated = has('subgroup-size-control');
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info;
  const lanes = SUBGROUP_SIZES.find((size) => least <= size && size <= most && (stated || least === most));
  if (lanes === undefined) return without;
  const fault = probe ? await probeSubgroups(device, { lanes, stated }) : undefined;
  return fault ? { ...without, subgroupFault: fault } : { subgroupSize: lanes, subgroupSizeStated: stated };
}
