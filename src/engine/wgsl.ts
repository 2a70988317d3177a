import { wgsl as preprocess } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { GsasError } from '../base/errors.js';

/**
 * Template tag for WGSL with `#if ${x}`, `#elif ${x}`, `#else`, `#endif` (the npm package wgsl-preprocessor).
 * Values are inserted as text. `undefined`, `null`, NaN and objects are refused here, because the package would print them into
 * the shader and the compiler would complain about something else.
 */
export function wgsl(strings: TemplateStringsArray, ...values: (string | number | boolean)[]): string {
  values.forEach((value, i) => {
    const printable =
      typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
    if (!printable) {
      throw new GsasError(`wgsl: value ${i} is ${String(value)}, after "${strings[i].slice(-60).trim()}"`);
    }
  });
  return preprocess(strings, ...values);
}

/** A number as a WGSL float literal: 1 becomes `1.0`, because a bare `1` is an integer there and `1 / 2` is 0. */
export function float(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** The subgroups that a shader relies on. */
export interface Subgroups {
  readonly lanes: number;
  /** The shader states their size, so that the driver uses no other. Otherwise the adapter has only one. */
  readonly stated: boolean;
}

/** WGSL, to stand first in a shader with subgroup operations. */
export function enableSubgroups({ stated }: Subgroups): string {
  return stated ? 'enable subgroups;\nenable subgroup_size_control;' : 'enable subgroups;';
}

/**
 * WGSL: opens `main` in workgroups of `size` invocations. `number` is the workgroup's number, counted over both dimensions of `Stream.dispatch`,
 * and `local` the invocation's number in its workgroup; with `subgroups`, `lane` is its number in its subgroup.
 */
export function mainWgsl(size: number | string, subgroups?: Subgroups): string {
  const stated = subgroups?.stated ? ` @subgroup_size(${subgroups.lanes})` : '';
  const lane = subgroups ? ', @builtin(subgroup_invocation_id) lane: u32' : '';
  return `
@compute @workgroup_size(${size})${stated}
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32${lane}) {
  let number = workgroup.x + workgroup.y * workgroups.x;`;
}

/**
 * WGSL: the same for a shader with a variant for each: `lane` is the invocation's number in its subgroup or, without subgroups, in its workgroup.
 */
export function laneMainWgsl(size: number | string, team: Subgroups & { readonly subgroups: boolean }): string {
  return team.subgroups ? mainWgsl(size, team) : `${mainWgsl(size)}\n  let lane = local;`;
}
