import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeviceError } from '../engine/errors.js';
import { majorVersion, parseList, parsePlan, parseSources, withBackports } from './apt.js';

const run = promisify(execFile);

/** Lavapipe is Mesa's Vulkan on the CPU. Dawn refuses it before Mesa 25 (22.3 lacks shaderUniform*ArrayDynamicIndexing). */
const MESA_MIN = 25;
const PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];

/** How to become root without being asked for a password: nothing to prefix, a prefix, or undefined where it cannot be. */
async function rootPrefix(): Promise<string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const sudo = ['sudo', '-n'];
  return run('sudo', ['-n', 'true']).then(
    () => sudo,
    () => undefined,
  );
}

/** The version of an installed Debian package; empty where it is not installed. */
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
 * Installs Mesa's lavapipe, version 25 or later, and the Vulkan loader with apt. The system's own sources are taken where
 * they have it; on a Debian whose release is older, `<release>-backports` is read through a private list of sources, so
 * that nothing under /etc/apt changes. `log` hears what will be installed before it is.
 * @throws DeviceError where there is no apt or no root, or apt offers no such version; nothing is changed then.
 */
export async function installLavapipe(log: (line: string) => void): Promise<void> {
  const prefix = process.platform === 'linux' ? await rootPrefix() : undefined;
  if (!prefix) throw new DeviceError('lavapipe needs apt and root (or sudo without a password) to be installed');
  const apt = (args: string[]) => {
    const [command, ...rest] = [...prefix, 'env', 'LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    return run(command!, rest, { maxBuffer: 2 ** 26 });
  };
  await apt(['--version']).catch(() => {
    throw new DeviceError('lavapipe is installed with apt, which this system does not have');
  });

  const install = ['install', '--yes', '--no-install-recommends', ...PACKAGES];
  /** What apt would do under these options, or undefined where that leaves Mesa older than MESA_MIN. */
  const plan = async (options: string[]) => {
    const simulated = await apt(['--simulate', ...options, ...install]).catch(() => undefined);
    if (!simulated) return undefined;
    const steps = parsePlan(simulated.stdout);
    const mesa = steps.find(({ name }) => name === PACKAGES[0])?.version ?? (await installedVersion(PACKAGES[0]!));
    return majorVersion(mesa) >= MESA_MIN ? { options, steps } : undefined;
  };

  let found = await plan([]);
  const temporary = await mkdtemp(join(tmpdir(), 'gsas-wgpu-apt-'));
  try {
    if (!found) {
      log('Reading the package lists, for Mesa 25 or later');
      const { options, backports } = await privateLists(temporary);
      // Judged by the plan below: one unreachable third-party source fails the update and yet harms nothing.
      const update = await apt([...options, 'update']).catch((error) => error);
      found = (await plan(options)) ?? (backports ? await plan([...options, '-t', backports]) : undefined);
      if (!found) {
        const line = String(update.stderr)
          .split('\n')
          .find((text) => /^[EW]:/.test(text));
        throw new DeviceError(
          `apt offers no mesa-vulkan-drivers of version ${MESA_MIN} or later${line ? ` (${line})` : ''}`,
        );
      }
    }
    const describe = (upgrade: boolean) =>
      found!.steps
        .filter((step) => step.upgrade === upgrade)
        .map(({ name, version }) => `${name} ${version}`)
        .join(', ');
    if (describe(false)) log(`Installing with apt: ${describe(false)}`);
    if (describe(true)) log(`and, because Mesa is one set of libraries, upgrading: ${describe(true)}`);
    // Another package manager may hold the lock for a while, on a machine that has just started.
    await apt([...found.options, '-o', 'DPkg::Lock::Timeout=600', ...install]).catch((error) => {
      const line = String(error.stderr || error.message)
        .split('\n')
        .find((text) => text.startsWith('E:'));
      throw new DeviceError(`apt could not install lavapipe: ${line ?? error.message}`, { cause: error });
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Package lists of our own in `folder`: the system's sources, or on Debian its archives and their backports. */
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
