import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeviceError } from '../base/errors.js';
import { majorVersion, parseList, parsePlan, parseSources, withBackports } from './apt.js';

const run = promisify(execFile);

/** Lavapipe is Mesa's Vulkan on the CPU. Dawn refuses versions before Mesa 25 (22.3 lacks shaderUniform*ArrayDynamicIndexing). */
const MESA_MIN = 25;
const MESA = 'mesa-vulkan-drivers';
const INSTALL = ['install', '--yes', '--no-remove', '--no-install-recommends', MESA, 'libvulkan1'];

type Run = (...args: string[]) => Promise<{ stdout: string; stderr: string }>;

/** Runs a program as root; undefined if that would need a password. */
async function rootRunner(): Promise<Run | undefined> {
  if (process.platform !== 'linux') return undefined;
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const asRoot: Run = (...args) => {
    const [program, ...rest] = [...prefix, ...args];
    return run(program!, rest, { maxBuffer: 2 ** 26 });
  };
  return asRoot('true').then(
    () => asRoot,
    () => undefined,
  );
}

/** The version of an installed Debian package; empty if it is not installed. */
function installedVersion(name: string): Promise<string> {
  return run('dpkg-query', ['-W', name]).then(
    ({ stdout }) => stdout.split('\t')[1] ?? '',
    () => '',
  );
}

/** The system's package sources, from both kinds of files. */
async function systemSources() {
  const folder = '/etc/apt/sources.list.d';
  const names = await readdir(folder).catch(() => []);
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const sources = parseList(await read('/etc/apt/sources.list'));
  for (const name of names.sort()) {
    if (name.endsWith('.list')) sources.push(...parseList(await read(join(folder, name))));
    if (name.endsWith('.sources')) sources.push(...parseSources(await read(join(folder, name))));
  }
  return sources;
}

/**
 * Installs Mesa's lavapipe, version 25 or later, and the Vulkan loader with apt. Package lists are read into a separate folder; on Debian they include
 * `<release>-backports`, from which Mesa comes if the release's own is older. Nothing under /etc/apt changes. `log` is called with what will be
 * installed before it is.
 * @throws DeviceError if there is no apt or no root, or apt offers no such version or only by removing something; nothing is changed then
 */
export async function installLavapipe(log: (line: string) => void): Promise<void> {
  const asRoot = await rootRunner();
  if (!asRoot) throw new DeviceError('lavapipe needs apt and root (or sudo without a password) to be installed');
  const apt: Run = (...args) => asRoot('env', 'LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args);
  await apt('--version').catch(() => {
    throw new DeviceError('lavapipe is installed with apt, which this system does not have');
  });
  const temporary = await mkdtemp(join(tmpdir(), 'gsas-wgpu-apt-'));
  try {
    log('Reading the package lists, for Mesa 25 or later');
    const { options, steps } = await plan(apt, temporary);
    const describe = (upgrade: boolean) =>
      steps
        .filter((step) => step.upgrade === upgrade)
        .map(({ name, version }) => `${name} ${version}`)
        .join(', ');
    if (describe(false)) log(`Installing with apt: ${describe(false)}`);
    if (describe(true)) log(`and, because Mesa is one set of libraries, upgrading: ${describe(true)}`);
    // Another package manager may hold the lock for a while on a machine that has just booted.
    await apt(...options, '-o', 'DPkg::Lock::Timeout=600', ...INSTALL).catch((error) => {
      throw new DeviceError(`apt could not install lavapipe: ${complaint(error) ?? error.message}`, { cause: error });
    });
  } finally {
    await asRoot('rm', '-rf', temporary); // apt's files in there belong to root
  }
}

/** The options with which apt would install a Mesa that Dawn accepts, and what it would do. */
async function plan(apt: Run, folder: string) {
  const { options, backports } = await privateLists(folder);
  // What can be installed decides: an unreachable third-party source fails the update, but does no harm.
  let reason = await apt(...options, 'update').then(complaint, complaint);
  for (const choice of backports ? [options, [...options, '-t', backports]] : [options]) {
    const simulated = await apt('--simulate', ...choice, ...INSTALL).catch((error) => {
      reason ??= complaint(error);
    });
    if (!simulated) continue;
    const steps = parsePlan(simulated.stdout);
    const mesa = steps.find(({ name }) => name === MESA)?.version ?? (await installedVersion(MESA));
    if (majorVersion(mesa) >= MESA_MIN) return { options: choice, steps };
  }
  throw new DeviceError(`apt has no ${MESA} of version ${MESA_MIN} or later to install${reason ? ` (${reason})` : ''}`);
}

/** The first error or warning in apt's output. */
function complaint({ stderr }: { stderr?: string }): string | undefined {
  return stderr?.split('\n').find((line) => /^[EW]:/.test(line));
}

/** Separate package lists in `folder`: from the system's sources, or on Debian from its archives and their backports. */
async function privateLists(folder: string): Promise<{ options: string[]; backports?: string }> {
  // apt fetches as the user _apt, who must be able to enter.
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  const options = ['-o', `Dir::State::Lists=${join(folder, 'lists')}`];
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME="?([a-z]+)/m.exec(release)?.[1];
  if (!/^ID="?debian"?$/m.test(release) || !codename) return { options };
  await mkdir(join(folder, 'sources'));
  await writeFile(join(folder, 'sources', 'debian.sources'), withBackports(await systemSources(), codename));
  options.push('-o', 'Dir::Etc::SourceList=/dev/null', '-o', `Dir::Etc::SourceParts=${join(folder, 'sources')}`);
  return { options, backports: `${codename}-backports` };
}
