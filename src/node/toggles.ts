import { InputError } from '../base/errors.js';

/**
 * Whether shaders check their indices: GSAS_ROBUST=1 in the environment, for whoever writes a kernel.
 * @throws InputError for a value that is neither 1 nor 0
 */
export function boundsChecked(env: NodeJS.ProcessEnv = process.env): boolean {
  const wish = env.GSAS_ROBUST || '0';
  if (wish !== '0' && wish !== '1') {
    throw new InputError(`GSAS_ROBUST is "${wish}"; 1 has shaders check their indices, 0 (the default) does not`);
  }
  return wish === '1';
}

/**
 * What Dawn does otherwise than for a web page (dawn/src/dawn/native/Toggles.cpp), as flags of `create`. A toggle whose name it does not know
 * it ignores in silence: test/toggles.test.ts sees the effect.
 * - It rounds timestamps to 65 us against spies; a profiler wants the real ones.
 * - It keeps every index within its array, since a page may not be trusted. Our kernels may: ids are checked on the host before they are
 *   uploaded (`checkBatch`), other indices follow from shapes. A training step takes 0.80 of the time without the checks on
 *   SwiftShader (quartiles 0.73 to 0.90 of 30 pairs), and 0.97 to 1.0, within the noise, on lavapipe, which checks all the same.
 */
export function dawnFlags(env: NodeJS.ProcessEnv = process.env): string[] {
  return [
    'disable-dawn-features=timestamp_quantization',
    ...(boundsChecked(env) ? [] : ['enable-dawn-features=disable_robustness']),
  ];
}
