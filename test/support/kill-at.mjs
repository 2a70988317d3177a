// Preloaded by `node --import`: ends the process by SIGKILL at the change numbered KILL_AT to a file in the folder KILL_IN. Of a write
// half of the bytes are there by then.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';

const folder = resolve(process.env.KILL_IN) + sep;
let left = Number(process.env.KILL_AT);
const open = new Set();
const inside = (target) => (typeof target === 'number' ? open.has(target) : resolve(String(target)).startsWith(folder));

function mortal(name, half) {
  const real = fs[name];
  fs[name] = (target, ...rest) => {
    if (!inside(target) || rest[0] === 'r') return real(target, ...rest);
    if (left-- === 0) {
      half?.(target, ...rest);
      process.kill(process.pid, 'SIGKILL');
    }
    const result = real(target, ...rest);
    if (name === 'openSync') open.add(result);
    return result;
  };
}

const { writeSync, closeSync } = fs;
mortal('openSync');
mortal('writeSync', (fd, bytes, at, length) => writeSync(fd, bytes, at, length >> 1));
for (const name of ['fsyncSync', 'renameSync', 'rmSync', 'appendFileSync', 'writeFileSync']) mortal(name);
fs.closeSync = (fd) => {
  open.delete(fd);
  closeSync(fd);
};
syncBuiltinESMExports();
