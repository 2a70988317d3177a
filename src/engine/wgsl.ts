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

/**
 * WGSL: opens `main` in workgroups of `size` invocations. `number` is the workgroup's number, counted over both dimensions of `Stream.dispatch`,
 * and `local` the invocation's number in its workgroup.
 */
export function mainWgsl(size: number | string): string {
  return `
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let number = workgroup.x + workgroup.y * workgroups.x;`;
}
