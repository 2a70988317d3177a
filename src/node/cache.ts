import { homedir } from 'node:os';
import { join } from 'node:path';

/** This package's folder in the user's cache (XDG Base Directory Specification). */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gsas-wgpu');
}
