import { readFileSync } from 'node:fs';

/** Peak memory of this process in MiB. On Linux process.resourceUsage().maxRSS would count the parent's too. */
export function peakRssMib(): number {
  try {
    return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
