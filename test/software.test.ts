import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { DeviceError } from '../src/base/errors.js';
import { majorVersion, parseList, parsePlan, parseSources, withBackports } from '../src/node/apt.js';
import { checkIntegrity, unpackSwiftshader } from '../src/node/swiftshader.js';
import { untar } from '../src/node/tar.js';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

describe('apt', () => {
  test('reads one-line sources', () => {
    const text = `# deb http://commented.out bookworm main
deb http://mirror.example/debian bookworm main contrib # trailing
deb [arch=amd64 signed-by=/etc/apt/key.gpg] https://download.docker.com/linux/debian bookworm stable
deb-src http://mirror.example/debian bookworm main`;
    expect(parseList(text)).toEqual([
      { uris: ['http://mirror.example/debian'], suites: ['bookworm'], components: ['main', 'contrib'] },
      {
        uris: ['https://download.docker.com/linux/debian'],
        suites: ['bookworm'],
        components: ['stable'],
        signedBy: '/etc/apt/key.gpg',
      },
    ]);
  });

  test('reads deb822 sources: several stanzas, comments, disabled ones, an embedded key', () => {
    const text = `Types: deb deb-src
# http://snapshot.debian.org/archive/debian/20250520T000000Z
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: ${KEYRING}

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://src.example/debian
Suites: bookworm
Components: main

types: deb
uris: http://embedded.example/
suites: stable
components: main
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6JDcKw/NZJPR8lsD3K87ZM18gzyQZJD+w
 -----END PGP PUBLIC KEY BLOCK-----
`;
    const [first, second, ...rest] = parseSources(text);
    expect(first).toEqual({
      uris: ['http://deb.debian.org/debian'],
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main'],
      signedBy: KEYRING,
    });
    expect(second?.uris).toEqual(['http://embedded.example/']);
    expect(second?.signedBy).toMatch(/^-----BEGIN.*-----\n \.\n .*\n -----END.*-----$/);
    expect(rest).toEqual([]);
  });

  test("adds backports from the system's own mirror with its key, and leaves other vendors out", () => {
    const system = [
      { uris: ['https://download.docker.com/linux/debian'], suites: ['bookworm'], components: ['stable'] },
      { uris: ['https://apt.releases.hashicorp.com'], suites: ['bookworm'], components: ['main'] },
      {
        uris: ['http://m.example/debian/'],
        suites: ['bookworm', 'bookworm-updates'],
        components: ['main'],
        signedBy: '/k',
      },
      { uris: ['http://m.example/debian-security'], suites: ['bookworm-security'], components: ['main'] },
    ];
    const sources = parseSources(withBackports(system, 'bookworm'));
    expect(sources).toEqual([
      system[2],
      system[3],
      { uris: ['http://m.example/debian/'], suites: ['bookworm-backports'], components: ['main'], signedBy: '/k' },
    ]);
  });

  test('falls back to deb.debian.org', () => {
    const suites = parseSources(withBackports([], 'bookworm')).map(({ uris, suites }) =>
      [...uris, ...suites].join(' '),
    );
    expect(suites).toEqual([
      'http://deb.debian.org/debian bookworm',
      'http://deb.debian.org/debian bookworm-backports',
    ]);
  });

  test('reads the plan and its versions', () => {
    const plan = parsePlan(`Reading state information...
Inst libdrm2 [2.4.114-1+b1] (2.4.123-1~bpo12+1 Debian Backports:oldstable-backports [amd64])
Inst mesa-vulkan-drivers (1:25.0.7-2~bpo12+1 Debian Backports:oldstable-backports [amd64]) []
Conf libdrm2 (2.4.123-1~bpo12+1 Debian Backports:oldstable-backports [amd64])`);
    expect(plan).toEqual([
      { name: 'libdrm2', version: '2.4.123-1~bpo12+1', upgrade: true },
      { name: 'mesa-vulkan-drivers', version: '1:25.0.7-2~bpo12+1', upgrade: false },
    ]);
    expect(plan.map(({ version }) => majorVersion(version))).toEqual([2, 25]);
    expect(majorVersion('22.3.6-1+deb12u1')).toBe(22);
    expect(majorVersion('')).toBeNaN();
  });
});

/** A ustar archive, as npm writes it (POSIX, with a prefix field) or as GNU tar does. */
function tar(files: Record<string, string | Buffer>, kind: 'posix' | 'gnu'): Buffer {
  const blocks: Buffer[] = [];
  const entry = (path: string, content: Buffer, type: string) => {
    const header = Buffer.alloc(512);
    const slash = path.indexOf('/');
    const split = kind === 'posix' && type === '0';
    header.write(split ? path.slice(slash + 1) : path, 0);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write(type, 156);
    header.write(kind === 'posix' ? 'ustar\x0000' : 'ustar  \0', 257);
    header.write(split ? path.slice(0, slash) : kind === 'gnu' ? '15250233256' : '', 345);
    blocks.push(header, content, Buffer.alloc(-content.length & 511));
  };
  entry('folder/', Buffer.alloc(0), '5');
  for (const [path, content] of Object.entries(files)) entry(path, Buffer.from(content as string), '0');
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

test.each(['posix', 'gnu'] as const)('reads the files of a %s tar archive', (kind) => {
  const files = { 'package/bin/a': 'x'.repeat(513), 'package/empty': '', 'package/b': 'y'.repeat(512) };
  const read = untar(tar(files, kind));
  expect(Object.fromEntries([...read].map(([name, data]) => [name, data.toString()]))).toEqual(files);
  expect(() => untar(tar(files, kind).subarray(0, 1400))).toThrow('broken');
});

describe('SwiftShader', () => {
  const root = mkdtempSync(join(tmpdir(), 'gsas-swiftshader-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const inner = { 'libEGL.so': 'egl', 'libvk_swiftshader.so': 'driver', 'libvulkan.so.1': 'loader' };
  const packed = (files: Record<string, string>) =>
    gzipSync(tar({ 'package/bin/swiftshader.tar.br': brotliCompressSync(tar(files, 'gnu')) }, 'posix'));

  test('is unpacked whole, with a manifest that names the library by its absolute path', async () => {
    const folder = join(root, 'cache', 'swiftshader-1');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'libvulkan.so.1'), 'left by a broken installation');
    await unpackSwiftshader(packed(inner), folder);
    const manifest = JSON.parse(readFileSync(join(folder, 'vk_swiftshader_icd.json'), 'utf8'));
    expect(manifest.ICD.library_path).toBe(join(folder, 'libvk_swiftshader.so'));
    expect(readFileSync(manifest.ICD.library_path, 'utf8')).toBe('driver');
    expect(readFileSync(join(folder, 'libvulkan.so.1'), 'utf8')).toBe('loader');
    expect(statSync(manifest.ICD.library_path).mode & 0o100).toBe(0o100);
    expect(readdirSync(join(root, 'cache'))).toEqual(['swiftshader-1']);
  });

  test('is not unpacked at all where a part is missing', async () => {
    const folder = join(root, 'other', 'swiftshader-1');
    await expect(unpackSwiftshader(packed({ 'libvk_swiftshader.so': 'driver' }), folder)).rejects.toThrow(
      'libvulkan.so.1',
    );
    await expect(unpackSwiftshader(gzipSync(tar({ 'package/x': 'y' }, 'posix')), folder)).rejects.toThrow(DeviceError);
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(join(root, 'other'))).toEqual([]);
  });

  test('is refused when the file is not the pinned one', () => {
    const data = Buffer.from('abc');
    // FIPS 180-4's example, in base64.
    const digest = 'sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==';
    expect(() => checkIntegrity(data, digest, 'abc')).not.toThrow();
    expect(() => checkIntegrity(Buffer.from('abd'), digest, 'abc')).toThrow(DeviceError);
  });
});
