// Makes a fresh clone ready to run: packages, the build, a GPU adapter. `npm start` and `npm test` call it first, so it
// uses Node's built-ins only and, where nothing is missing, takes a fraction of a second and never touches the network.
//   node scripts/setup.mjs          everything
//   node scripts/setup.mjs build    packages and a clean build
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...path) => join(root, ...path);
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
/** Progress goes to stderr: stdout belongs to the program that is started next. */
const log = (line) => process.stderr.write(`${line}\n`);

function fail(message, exitCode = 1) {
  log(`error: ${message}`);
  process.exit(exitCode);
}

/** Runs a program with its output on stderr; what went wrong stands there already when this ends the process. */
function run(command, args, failure, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (error || status !== 0) fail(error ? `${failure}: ${error.message}` : failure);
}

function checkNode() {
  const [least] = /\d+(\.\d+)?/.exec(readJson(at('package.json')).engines.node);
  const [major, minor = 0] = least.split('.').map(Number);
  const [ours, oursMinor] = process.versions.node.split('.').map(Number);
  if (ours < major || (ours === major && oursMinor < minor))
    fail(`Node ${least} or later is needed, this is ${process.version}`);
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm keeps its own record of what it installed; comparing
 * contents rather than times is right after a clone, a copy or a change of branch, which all make up times.
 */
function packagesCurrent() {
  const record = at('node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const { packages: wanted } = readJson(at('package-lock.json'));
  const { packages: installed } = readJson(record);
  return Object.entries(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === '') return true; // the project itself
    const found = installed[path];
    // npm leaves out the optional packages that are made for other platforms.
    return found ? found.version === version && found.integrity === integrity : optional || devOptional;
  });
}

function installPackages() {
  if (packagesCurrent()) return;
  log('Installing packages (npm ci)');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const failure = 'npm ci failed, see above; it needs the npm registry once';
  // npm names itself to the scripts that it runs; on Windows a bare `npm` is a batch file, which needs a shell.
  const npm = process.env.npm_execpath;
  if (npm && basename(npm).startsWith('npm')) run(process.execPath, [npm, ...args], failure);
  else run('npm', args, failure, { shell: process.platform === 'win32' });
}

/** The files under a folder, in an order that does not depend on the file system. */
function files(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]));
}

/** A digest of all that the build depends on, names included, so that a removed file counts as a change. */
function sourceDigest() {
  const hash = createHash('sha256');
  const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) =>
    at(name),
  );
  for (const path of [...settings, ...files(at('src'))]) {
    const content = readFileSync(path);
    hash.update(`${path.slice(root.length)} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function build() {
  const stamp = at('node_modules', '.cache', 'gsas-wgpu-build');
  const main = at('dist', 'cli', 'main.js');
  const digest = sourceDigest();
  if (existsSync(main) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  log('Building (tsc)');
  // From nothing, so that dist never keeps what src has lost.
  rmSync(stamp, { force: true });
  rmSync(at('dist'), { recursive: true, force: true });
  run(
    process.execPath,
    [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
    'the build failed, see above',
  );
  chmodSync(main, 0o755); // tsc makes no file executable
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

/** Asks the built code for an adapter, so that there is one way of finding and installing one. */
async function findAdapter() {
  const { ensureAdapter } = await import(pathToFileURL(at('dist', 'node', 'software.js')));
  await ensureAdapter(log).catch((error) => fail(error.message, error.exitCode));
}

checkNode();
installPackages();
build();
if (process.argv[2] !== 'build') await findAdapter();
