import { ShaderError } from '../base/errors.js';
import { ShaderStage } from './flags.js';
import type { PooledBuffer } from './pool.js';
import type { Program } from './program.js';
import { uniformBytes } from './uniforms.js';

/** What it takes to run a program, made once for each source text. */
export interface Pipeline {
  readonly program: Program;
  readonly gpu: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly signature: string;
}

/** What a binding reads or writes: a buffer, from an element on. */
export interface Bound {
  readonly buffer: PooledBuffer;
  readonly offset: number;
}

const MAX_BIND_GROUPS = 8192;

/** Pipelines by source text, bind group layouts by signature, bind groups by the buffers in them. */
export class PipelineCache {
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  readonly #reports = new Set<Promise<void>>();
  readonly #new: Program[] = [];
  #firstError: ShaderError | undefined;

  constructor(private readonly device: GPUDevice) {}

  get created(): { pipelines: number; layouts: number } {
    return { pipelines: this.#pipelines.size, layouts: this.#layouts.size };
  }

  get firstError(): ShaderError | undefined {
    return this.#firstError;
  }

  /** Every program that has a pipeline, in the order of their first launches. */
  get programs(): Program[] {
    return [...this.#pipelines.values()].map(({ program }) => program);
  }

  /** The programs whose pipelines were made since the last call. */
  takeNew(): Program[] {
    return this.#new.splice(0);
  }

  /** Whether the compiler still has to report on a shader, which it does asynchronously. */
  get awaitsReports(): boolean {
    return this.#reports.size > 0;
  }

  /** Resolves once the compiler has reported on every shader so far. */
  async reports(): Promise<void> {
    await Promise.all(this.#reports);
  }

  /** The pipeline of a program; one is made for each text of a shader. */
  pipeline(program: Program): Pipeline {
    let pipeline = this.#pipelines.get(program.source);
    if (!pipeline) {
      pipeline = this.#compile(program);
      this.#new.push(program);
      this.#pipelines.set(program.source, pipeline);
    }
    return pipeline;
  }

  /** The bind group for `bound` (in binding order) and, if the program has uniforms, for the ring that holds them. */
  bindGroup(program: Program, pipeline: Pipeline, uniforms: PooledBuffer, bound: readonly Bound[]): GPUBindGroup {
    const places = bound.map(({ buffer, offset }) => (offset === 0 ? buffer.id : `${buffer.id}+${offset}`));
    const key = `${pipeline.signature}|${uniforms.id}|${places.join()}`;
    let group = this.#bindGroups.get(key);
    if (!group) {
      const entries: GPUBindGroupEntry[] = program.bindings.map((binding, i) => ({
        binding: binding.index,
        resource: { buffer: bound[i].buffer.gpu, offset: 4 * bound[i].offset },
      }));
      const size = uniformBytes(program);
      if (size > 0) entries.push({ binding: 0, resource: { buffer: uniforms.gpu, size } });
      group = this.device.createBindGroup({ label: program.name, layout: pipeline.layout, entries });
      if (this.#bindGroups.size >= MAX_BIND_GROUPS) this.#bindGroups.clear();
      this.#bindGroups.set(key, group);
    }
    return group;
  }

  #compile(program: Program): Pipeline {
    const bindings = program.bindings.map((b) => `${b.index}${b.access[0]}`).join();
    const signature = `${uniformBytes(program)};${bindings}`;
    let layout = this.#layouts.get(signature);
    if (!layout) {
      const entries: GPUBindGroupLayoutEntry[] = program.bindings.map((binding) => ({
        binding: binding.index,
        visibility: ShaderStage.COMPUTE,
        buffer: { type: binding.access === 'read' ? 'read-only-storage' : 'storage' },
      }));
      if (program.uniforms.length > 0) {
        entries.push({
          binding: 0,
          visibility: ShaderStage.COMPUTE,
          buffer: { type: 'uniform', hasDynamicOffset: true },
        });
      }
      layout = this.device.createBindGroupLayout({ entries });
      this.#layouts.set(signature, layout);
    }
    const module = this.device.createShaderModule({ label: program.name, code: program.source });
    const report = this.#report(program, module).finally(() => this.#reports.delete(report));
    this.#reports.add(report);
    const gpu = this.device.createComputePipeline({
      label: program.name,
      layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    return { program, gpu, layout, signature };
  }

  async #report(program: Program, module: GPUShaderModule): Promise<void> {
    const info = await module.getCompilationInfo().catch(() => undefined);
    const errors = info?.messages.filter((m) => m.type === 'error') ?? [];
    if (errors.length > 0) this.#firstError ??= shaderError(program, errors);
  }
}

function shaderError(program: Program, messages: GPUCompilationMessage[]): ShaderError {
  const lines = program.source.split('\n').map((line, i) => `${String(i + 1).padStart(4)} | ${line}`);
  for (const message of [...messages].sort((a, b) => b.lineNum - a.lineNum)) {
    lines.splice(message.lineNum, 0, `     ^ ${' '.repeat(Math.max(0, message.linePos - 1))}${message.message}`);
  }
  const first = messages[0];
  return new ShaderError(
    `shader ${program.name}, line ${first.lineNum}: ${first.message}`,
    program.source,
    lines.join('\n'),
  );
}
