import { GsasError } from '../base/errors.js';
import type { Tensor } from './tensor.js';

/** A number's type in a shader. */
export type Scalar = 'f32' | 'u32' | 'i32';

/** A storage binding as the shader declares it. */
export interface Binding {
  name: string;
  index: number;
  access: 'read' | 'write';
  element: 'f32' | 'u32';
}

/** One field of the shader's `struct Params`: four bytes each, in order. */
export interface Uniform {
  name: string;
  type: Scalar;
}

/** A compute shader and what it declares. Bindings and uniforms are read from its text, so nothing is said twice. */
export interface Program {
  name: string;
  source: string;
  bindings: readonly Binding[];
  uniforms: readonly Uniform[];
}

const STORAGE =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read|read_write)>\s+(\w+)\s*:\s*array<(?:vec[234]<)?(?:atomic<)?(f32|u32|i32)/g;
const PARAMS = /struct\s+Params\s*\{([^}]*)\}/;
const FIELD = /(\w+)\s*:\s*(f32|u32|i32)\s*(?:,|$)/g;

/**
 * Reads a shader's interface from its text: `@group(0) @binding(n) var<storage, read|read_write> name: array<…>` and, at binding 0,
 * `struct Params { name: f32|u32|i32, … }`.
 * @throws GsasError if a declaration does not have that form
 */
export function parseProgram(name: string, source: string): Program {
  const bare = source.replace(/\/\/.*$/gm, '');
  const bindings: Binding[] = [...bare.matchAll(STORAGE)].map((m) => ({
    index: Number(m[1]),
    access: m[2] === 'read' ? 'read' : 'write',
    name: m[3],
    element: m[4] === 'f32' ? 'f32' : 'u32',
  }));
  const declared = bare.match(/var<storage/g)?.length ?? 0;
  if (declared !== bindings.length) {
    throw new GsasError(
      `${name}: ${declared} storage bindings, of which ${bindings.length} have the form that can be read`,
    );
  }
  const body = bare.match(PARAMS)?.[1] ?? '';
  const uniforms: Uniform[] = [...body.matchAll(FIELD)].map((m) => ({ name: m[1], type: m[2] as Scalar }));
  const fields = body.split(',').filter((field) => field.trim() !== '');
  if (fields.length !== uniforms.length) {
    throw new GsasError(`${name}: Params has ${fields.length} fields, of which ${uniforms.length} are f32, u32 or i32`);
  }
  return { name, source, bindings, uniforms };
}

/**
 * A family of programs: `build` makes the WGSL for the constants that change code (head size, flags, workgroup). The program for equal
 * constants is built once.
 */
export function program<Constants>(name: string, build: (constants: Constants) => string) {
  const built = new Map<string, Program>();
  return (constants: Constants): Program => {
    const key = JSON.stringify(constants);
    let known = built.get(key);
    if (!known) {
      known = parseProgram(name, build(constants));
      built.set(key, known);
    }
    return known;
  };
}

/** The tensors among a launch's arguments, in binding order. @throws GsasError if an argument is missing, superfluous or of another type */
export function boundTensors(program: Program, args: Readonly<Record<string, Tensor | number>>): Tensor[] {
  const tensors = program.bindings.map((binding) => {
    const tensor = args[binding.name];
    if (!tensor || typeof tensor === 'number')
      throw new GsasError(`${program.name}: binding ${binding.name} has no tensor`);
    if (tensor.dtype !== binding.element) {
      throw new GsasError(
        `${program.name}: ${binding.name} is ${tensor.dtype}, but the shader reads ${binding.element}`,
      );
    }
    return tensor;
  });
  const known = program.bindings.length + program.uniforms.length;
  if (Object.keys(args).length !== known) {
    const names = [...program.bindings, ...program.uniforms].map((d) => d.name);
    throw new GsasError(`${program.name} takes ${names.join(', ')}; it was given ${Object.keys(args).join(', ')}`);
  }
  return tensors;
}

/** A number of workgroups, or how many in each dimension. */
export type Workgroups = number | readonly [number, number, number?];

/** Workgroups as a grid: a number in two dimensions, with some more, where one allows fewer. @param most in a dimension */
export function gridOf(workgroups: Workgroups, most: number): readonly [number, number, number] {
  if (typeof workgroups !== 'number') return [workgroups[0], workgroups[1], workgroups[2] ?? 1];
  const y = Math.ceil(workgroups / most);
  return y > 1 ? [Math.ceil(workgroups / y), y, 1] : [workgroups, 1, 1];
}
