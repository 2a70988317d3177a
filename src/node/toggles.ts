import { InputError } from '../base/errors.js';

/**
 * Whether shaders check their indices: GSAS_ROBUST=1 in the environment, for authors of kernels.
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
 * How Dawn should differ from a web page (dawn/src/dawn/native/Toggles.cpp), as flags of `create`. Dawn silently ignores unknown toggles, so
 * test/toggles.test.ts checks their effect.
 * - For web pages it rounds timestamps to 65 us against spies; a profiler needs the real ones.
 * - It bounds every index, because pages are not trusted. Our kernels are: ids are checked on the host before they are uploaded (`checkBatch`), and other
 *   indices follow from shapes. Without the checks a training step is faster (docs/performance.md).
 */
export function dawnFlags(env: NodeJS.ProcessEnv = process.env): string[] {
  return [
    'disable-dawn-features=timestamp_quantization',
    ...(boundsChecked(env) ? [] : ['enable-dawn-features=disable_robustness']),
  ];
}
