import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { chooseAdapter, type FoundAdapter, openAdapter, surveyAdapters } from '../src/node/adapter.js';
import { howToInstall } from '../src/node/advice.js';
import { driverManifests, withDriver } from '../src/node/vulkan.js';

const NVIDIA = { name: 'nvidia-h100-80gb-hbm3', software: false };
const INTEL = { name: 'intel-r-uhd-graphics', software: false };
const LAVAPIPE = { name: 'llvmpipe-llvm-15-0-6-256-bits', software: true };
const SWIFTSHADER = { name: 'swiftshader-device-subzero', software: true };

describe('choosing', () => {
  test.each([
    ['a real GPU beats software wherever it stands', [SWIFTSHADER, LAVAPIPE, NVIDIA], undefined, NVIDIA],
    ["of real GPUs Dawn's first", [INTEL, NVIDIA], undefined, INTEL],
    ['lavapipe beats SwiftShader', [SWIFTSHADER, LAVAPIPE], undefined, LAVAPIPE],
    ['SwiftShader is better than nothing', [SWIFTSHADER], undefined, SWIFTSHADER],
    ['nothing', [], undefined, undefined],
    ['a name beats a better adapter', [NVIDIA, LAVAPIPE, SWIFTSHADER], 'SwiftShader', SWIFTSHADER],
    ['lavapipe by its other name', [NVIDIA, SWIFTSHADER, LAVAPIPE], 'Lavapipe', LAVAPIPE],
    ['part of a name as the driver writes it', [INTEL, NVIDIA], 'NVIDIA H100', NVIDIA],
    ['a name that no adapter has', [NVIDIA, LAVAPIPE], 'radeon', undefined],
    ['the best of those that a part fits', [SWIFTSHADER, LAVAPIPE], 'e', LAVAPIPE],
  ])('%s', (_, adapters, wanted, expected) => {
    expect(chooseAdapter(adapters, wanted)).toBe(expected);
  });
});

describe("the Vulkan loader's environment", () => {
  test('one driver is shown during the call and the environment is as before after it, also after an error', () => {
    const before = { ...process.env, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };
    const seen = withDriver('/x.json', () => [process.env.VK_DRIVER_FILES, process.env.VK_ICD_FILENAMES]);
    expect(seen).toEqual(['/x.json', '/x.json']);
    expect({ ...process.env }).toEqual(before);
    const broken = () => {
      throw new Error('broken');
    };
    expect(() => withDriver('/x.json', broken)).toThrow('broken');
    expect({ ...process.env }).toEqual(before);
  });

  test('the manifests are those of the user, else those in the search path', () => {
    const root = mkdtempSync(join(tmpdir(), 'gsas-vulkan-'));
    const folder = join(root, 'vulkan', 'icd.d');
    mkdirSync(folder, { recursive: true });
    for (const name of ['a.json', 'b.json', 'readme.txt']) writeFileSync(join(folder, name), '{}');
    const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')];
    expect(driverManifests({ XDG_DATA_DIRS: `/nowhere:${root}` })).toEqual(expect.arrayContaining([a, b]));
    expect(driverManifests({ XDG_DATA_DIRS: root })).not.toContain(join(folder, 'readme.txt'));
    expect(driverManifests({ VK_ICD_FILENAMES: `${b}:/nowhere.json`, XDG_DATA_DIRS: root })).toEqual([b]);
    expect(driverManifests({ VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: a })).toEqual([]);
    rmSync(root, { recursive: true });
  });
});

test.each([
  ['linux', 'ID=debian\nVERSION_ID="12"', 'apt-get install mesa-vulkan-drivers'],
  ['linux', 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"', 'apt-get install'],
  ['linux', 'ID="almalinux"\nID_LIKE="rhel centos fedora"', 'dnf install'],
  ['linux', 'ID=arch', 'pacman'],
  ['linux', 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', 'zypper'],
  ['linux', '', 'libvulkan.so.1'],
  ['darwin', '', 'Metal'],
  ['win32', '', 'Direct3D 12'],
] as const)('says what to install on %s (%s)', (platform, release, expected) => {
  expect(howToInstall(platform, release)).toContain(expected);
});

describe('on this machine', () => {
  const asked = process.env.GSAS_ADAPTER;
  let found: FoundAdapter & { why: string };
  let byName: FoundAdapter;
  let everywhere: Awaited<ReturnType<typeof surveyAdapters>>;
  let refusal: unknown;
  beforeAll(async () => {
    found = await openAdapter();
    byName = await openAdapter({ adapter: found.name });
    everywhere = await surveyAdapters({ all: true });
    refusal = await openAdapter({ adapter: 'no such adapter' }).catch((error) => error);
  });

  test('an adapter is found, the same by its own name and by a look everywhere', () => {
    expect(found.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(found.software).toBe(found.adapter.info.isFallbackAdapter);
    expect(found.why).toContain(asked ? `"${asked}"` : found.software ? 'software' : 'real GPU');
    expect(byName.name).toBe(found.name);
    expect(everywhere.chosen?.name).toBe(found.name);
    expect(new Set(everywhere.seen.map(({ name }) => name)).size).toBe(everywhere.seen.length);
  });

  test('it gives a device', async () => {
    const device = await found.adapter.requestDevice();
    expect(device.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
    device.destroy();
  });

  test('an unknown name is a mistake in usage, answered with the names that there are', () => {
    expect(refusal).toBeInstanceOf(InputError);
    expect((refusal as Error).message).toContain('"no such adapter"');
    expect((refusal as Error).message).toContain(found.name);
  });
});
