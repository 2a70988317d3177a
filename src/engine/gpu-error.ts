import { DeviceError, type GsasError, OutOfMemoryError } from '../base/errors.js';
import type { DeviceMemory } from './memory.js';

/** Where Dawn names what a command was part of, the most precise first: launches set the label of their pass, pipelines and buffers have their own. */
const LABELS = ['ComputePassEncoder', 'ComputePipeline', '\\w+Descriptor'].map(
  (kind) => new RegExp(`\\[${kind} "+([^"]+)"`),
);

/** What a device reports outside any call, as an error that names the kernel, or the buffer and what else is held. */
export function deviceError({ message, constructor: { name } }: GPUError, memory: DeviceMemory): GsasError {
  const label = LABELS.map((pattern) => pattern.exec(message)?.[1]).find((found) => found !== undefined);
  const reason = oneLine(message);
  if (name === 'GPUOutOfMemoryError') {
    const asked = label ? `, for ${label}` : '';
    return new OutOfMemoryError(
      `the GPU is out of memory: ${reason}${asked}; ${memory.describe()}`,
      'use a smaller batch',
    );
  }
  const what = name === 'GPUInternalError' ? 'failed in a command' : 'refused a command';
  return new DeviceError(`the GPU ${what}${label ? ` of ${label}` : ''}: ${reason}`);
}

/** The first line of what a driver says. */
export function oneLine(text: string): string {
  return text.trim().split('\n')[0];
}
