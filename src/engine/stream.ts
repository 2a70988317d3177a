import { GsasError } from '../base/errors.js';
import { MapMode } from './flags.js';
import type { Gpu } from './gpu.js';
import type { PooledBuffer } from './pool.js';
import { boundTensors, gridOf, type Program, type Workgroups } from './program.js';
import type { RandomState } from './random.js';
import { type DType, type HostArray, type Shape, sizeOf, Tensor, tensorsIn } from './tensor.js';

/**
 * Records work in order: passes go into one command encoder until `submit`, once a training step. Tensors come from the device's pool. A released
 * tensor's buffer can be reused at once, because later passes run after earlier ones.
 */
export class Stream {
  /** Seeds the random numbers that kernels draw: every draw is a function of (seed, step, site, index in the whole batch). */
  random: RandomState = { seed: 0, step: 0 };
  /** What the next launches and tensors are part of, such as forward or backward. The profiler and errors name it. */
  phase = '';

  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #label = ''; // of the pass: the kernel launched last, which a validation error then names
  #afterSubmit: (() => void)[] = [];
  #scopes: Set<Tensor>[] = [];
  #work = 0; // multiply-adds recorded since the last submit
  #rehearsed: 'launches' | 'buffers' | undefined; // see `rehearse`; undefined: what is recorded runs

  constructor(readonly gpu: Gpu) {}

  /** How often work was submitted to the device so far. */
  get submits(): number {
    return this.gpu.submits;
  }

  /** A tensor from the pool with undefined contents. @throws OutOfMemoryError if the adapter cannot bind one of that size */
  empty(shape: Shape, dtype: DType = 'f32'): Tensor {
    return this.#allocate(shape, dtype, false);
  }

  /** A tensor from the pool, filled with zeros. @throws as `empty` */
  zeros(shape: Shape, dtype: DType = 'f32'): Tensor {
    const tensor = this.empty(shape, dtype);
    this.fill0(tensor);
    return tensor;
  }

  /** Overwrites a tensor with zeros. */
  fill0(tensor: Tensor): void {
    this.#encode(tensor).clearBuffer(tensor.buffer.gpu, 4 * tensor.offset, 4 * sizeOf(tensor.shape));
  }

  /** A tensor with the host's numbers. Outside a scope it lives until it is released. @throws GsasError if they do not fill `shape` */
  upload(data: HostArray, shape: Shape, options: { requiresGrad?: boolean } = {}): Tensor {
    if (data.length !== sizeOf(shape))
      throw new GsasError(`upload: ${data.length} numbers do not fill [${shape.join(', ')}]`);
    const tensor = this.#allocate(shape, data instanceof Uint32Array ? 'u32' : 'f32', options.requiresGrad ?? false);
    this.write(tensor, data);
    return tensor;
  }

  /** Overwrites a tensor's contents with the host's numbers, as many as it has elements. */
  write(tensor: Tensor, data: HostArray): void {
    this.gpu.turn(this);
    if (tensor.buffer.lastUse > this.gpu.submits) this.submit(); // the queue would write before the recorded commands read
    this.gpu.device.queue.writeBuffer(
      tensor.buffer.gpu,
      4 * tensor.offset,
      data.buffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  /** Overwrites the elements of `to`, from number `at` on, with those of `from`, another tensor. */
  copy(from: Tensor, to: Tensor, at = 0): void {
    const bytes = 4 * sizeOf(from.shape);
    const target = 4 * (to.offset + at);
    this.#encode(from, to).copyBufferToBuffer(from.buffer.gpu, 4 * from.offset, to.buffer.gpu, target, bytes);
  }

  /**
   * Another handle on a tensor's elements: all of them in another shape, or a range from number `at` on. Release it like any tensor, before or after
   * the one that it was made from. No launch may write one view of a buffer and bind another.
   * @param at a multiple of 64, where a binding may begin on every adapter
   * @throws GsasError if the range is not within the tensor, or the tensor was released
   */
  view(tensor: Tensor, shape: Shape = tensor.shape, at?: number): Tensor {
    if (tensor.released) throw new GsasError(`view: the tensor [${tensor.shape.join(', ')}] was released`);
    const [size, all] = [sizeOf(shape), sizeOf(tensor.shape)];
    if (at === undefined ? size !== all : at % 64 !== 0 || at < 0 || at + size > all) {
      const from = at === undefined ? '' : ` from number ${at} on`;
      throw new GsasError(`view: [${shape.join(', ')}]${from} is no view of [${tensor.shape.join(', ')}]`);
    }
    this.gpu.pool.hold(tensor.buffer);
    return this.#own(new Tensor(tensor.buffer, [...shape], tensor.dtype, false, tensor.offset + (at ?? 0)));
  }

  /** Gives a handle back. With the last one the buffer returns to the pool. @throws GsasError if it was released before */
  release(tensor: Tensor): void {
    tensor.end();
    for (const scope of this.#scopes) scope.delete(tensor);
    this.gpu.pool.release(tensor.buffer);
  }

  /** At its end, releases everything that `work` allocated and did not release, except for the tensors that it returns. */
  scope<T>(work: () => T): T {
    const scope = new Set<Tensor>();
    this.#scopes.push(scope);
    try {
      const result = work();
      for (const kept of tensorsIn(result)) {
        if (scope.delete(kept)) this.#scopes.at(-2)?.add(kept); // a tensor from outside still belongs to its owner
      }
      return result;
    } finally {
      this.#scopes.pop();
      for (const tensor of scope) this.release(tensor);
    }
  }

  /** Tensors and launches of `work` are part of a phase of its own. */
  during<T>(phase: string, work: () => T): T {
    const before = this.phase;
    this.phase = phase;
    const result = work();
    this.phase = before;
    return result;
  }

  /**
   * Records `work` and discards the recording. Nothing runs, but afterwards the pool holds every buffer that it needed, and its pipelines exist (a
   * driver such as Mesa's may still compile at the first real launch). After the largest batch of a training run, later steps allocate nothing.
   * `work` must not download anything.
   * @param pipelines false for the buffers alone
   */
  rehearse(work: () => void, { pipelines = true } = {}): void {
    this.submit();
    this.gpu.turn(this);
    this.#rehearsed = pipelines ? 'launches' : 'buffers';
    try {
      this.scope(work);
    } finally {
      this.#discard();
      this.#rehearsed = undefined;
    }
  }

  /**
   * Records one launch. `args` names every storage binding (a tensor) and every uniform (a number) of the program.
   * `workgroups` is a count, spread over two dimensions where it exceeds what one allows (`mainWgsl` numbers them; the shader must check
   * the bound), or a grid.
   * @param work its multiply-adds, if they may be many: launches that a GPU's watchdog might not let pass in one submit are submitted apart
   * @throws GsasError if an argument is missing, superfluous or of another type
   */
  dispatch(program: Program, args: Record<string, Tensor | number>, workgroups: Workgroups, work = 0): void {
    const tensors = boundTensors(program, args);
    const [x, y, z] = gridOf(workgroups, this.gpu.device.limits.maxComputeWorkgroupsPerDimension);
    if (x * y * z === 0 || this.#rehearsed === 'buffers') return;

    this.gpu.turn(this); // from here on the ring of uniforms is this stream's
    this.#makeRoom(work);
    const pipeline = this.gpu.pipelines.pipeline(program);
    const offsets = program.uniforms.length > 0 ? [this.gpu.uniforms.push(program, args)] : [];
    const pass = this.#openPass(program.name, tensors);
    pass.setPipeline(pipeline.gpu);
    pass.setBindGroup(0, this.gpu.pipelines.bindGroup(program, pipeline, this.gpu.uniforms.buffer, tensors), offsets);
    pass.dispatchWorkgroups(x, y, z);
    if (this.gpu.profiler) this.#endPass();
  }

  /** Submits everything recorded so far to the GPU. @throws the first error that the GPU has reported */
  submit(): void {
    this.gpu.check();
    if (!this.#encoder) return;
    if (this.#rehearsed) {
      this.#discard(); // a full ring, or a write to a tensor in use, must not run what was recorded before it
      return;
    }
    this.#endPass();
    const afterResolve = this.gpu.profiler?.resolve(this.#encoder);
    this.gpu.uniforms.flush();
    this.gpu.device.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.gpu.submits++;
    this.#work = 0;
    afterResolve?.();
    for (const action of this.#afterSubmit.splice(0)) action();
  }

  /** Records a copy to the host. The promise resolves once a later `submit` has run. */
  download(tensor: Tensor): Promise<HostArray> {
    const [staging, bytes] = this.#stage(tensor);
    this.#encode(tensor).copyBufferToBuffer(tensor.buffer.gpu, 4 * tensor.offset, staging.gpu, 0, bytes);
    const arrived = new Promise<HostArray>((resolve, reject) => {
      this.#afterSubmit.push(() => {
        this.#fetch(staging, bytes)
          .then((copy) => (tensor.dtype === 'u32' ? new Uint32Array(copy) : new Float32Array(copy)))
          .then(resolve, reject);
      });
    });
    arrived.catch(() => {}); // an awaiting caller still gets the error, and a read that is never awaited does not end the process
    return arrived;
  }

  /** Allocates what it takes to download these tensors at one time. @throws OutOfMemoryError if there is less */
  allocateReads(tensors: readonly Tensor[]): void {
    const held = tensors.map((tensor) => this.#stage(tensor)[0]);
    for (const staging of held) this.gpu.staging.release(staging);
  }

  /** Submits and copies a tensor to the host. @throws the first error that the GPU has reported */
  async read(tensor: Tensor): Promise<HostArray> {
    const arrived = this.download(tensor);
    this.submit();
    return arrived;
  }

  /** Waits until the GPU has done everything that was submitted. */
  async finish(): Promise<void> {
    this.submit();
    await this.gpu.wait(this.gpu.device.queue.onSubmittedWorkDone());
    await this.gpu.settle();
  }

  /** A buffer that the host can read, and how many bytes a tensor fills of it. */
  #stage({ shape }: Tensor): [PooledBuffer, number] {
    const bytes = 4 * sizeOf(shape);
    return [this.gpu.staging.acquire(bytes, 'downloads', shape), bytes];
  }

  #allocate(shape: Shape, dtype: DType, requiresGrad: boolean): Tensor {
    return this.#own(
      new Tensor(this.gpu.pool.acquire(4 * sizeOf(shape), this.phase, shape), [...shape], dtype, requiresGrad),
    );
  }

  /** Hands a tensor to the innermost scope, which releases it at its end. */
  #own(tensor: Tensor): Tensor {
    this.#scopes.at(-1)?.add(tensor);
    return tensor;
  }

  async #fetch(staging: PooledBuffer, bytes: number): Promise<ArrayBuffer> {
    try {
      await this.gpu.wait(staging.gpu.mapAsync(MapMode.READ, 0, bytes));
    } catch (cause) {
      await this.gpu.settle(); // throws the cause, such as a lost device
      throw this.gpu.failure(cause);
    }
    const copy = staging.gpu.getMappedRange(0, bytes).slice(0);
    staging.gpu.unmap();
    this.gpu.staging.release(staging);
    await this.gpu.settle();
    return copy;
  }

  /** The encoder, outside a pass, for a command that uses `tensors`. */
  #encode(...tensors: Tensor[]): GPUCommandEncoder {
    this.#endPass();
    return this.#open(tensors);
  }

  #open(tensors: readonly Tensor[]): GPUCommandEncoder {
    this.gpu.turn(this);
    for (const { buffer } of tensors) buffer.lastUse = this.gpu.submits + 1;
    this.#encoder ??= this.gpu.device.createCommandEncoder();
    return this.#encoder;
  }

  #openPass(name: string, tensors: readonly Tensor[]): GPUComputePassEncoder {
    const encoder = this.#open(tensors);
    this.#pass ??= this.gpu.profiler?.begin(encoder, name, this.phase) ?? encoder.beginComputePass();
    if (this.#label !== name) this.#pass.label = this.#label = name;
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#label = '';
  }

  #discard(): void {
    this.#endPass();
    this.#encoder = undefined;
    this.#work = 0;
    this.#afterSubmit = [];
    this.gpu.uniforms.discard();
    this.gpu.profiler?.discard();
  }

  /** A step with more launches than there are slots, or more work than a submit may do, submits what is recorded and goes on. */
  #makeRoom(work: number): void {
    if (this.gpu.profiler?.full || this.#work + work > this.gpu.mostWork) this.submit();
    this.#work += work;
    if (this.gpu.uniforms.full) {
      this.submit();
      this.gpu.uniforms.grow();
    }
  }
}
