import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Outcome, start } from './support/command.js';
import { flagsOf, MODEL } from './support/small.js';
import { skipUntested } from './support/untested.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const SMALL = { ...MODEL, negs_per_pos: 8, max_steps: 3 };

const run = (program: string, args: readonly string[], cwd: string) => start(program, args, cwd).ended;

let folder: string;
/** An empty project into which the tarball was installed. */
let app: string;
let packed: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gsas-pack-'));
  app = join(folder, 'app');
  mkdirSync(app);
  const pack = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], ROOT);
  if (pack.status !== 0) throw new Error(`npm pack failed: ${pack.stdout}${pack.stderr}`);
  const [{ filename, files }] = JSON.parse(pack.stdout);
  packed = files.map(({ path }: { path: string }) => path);
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }\n');
  const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
  const install = await run(
    'npm',
    ['install', '--prefer-offline', ...patience, '--no-audit', '--no-fund', join(folder, filename)],
    app,
  );
  if (install.status !== 0) {
    throw new Error(`the tarball cannot be installed; the npm registry or its cache is needed: ${install.stderr}`);
  }
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

it('packs what a user needs and nothing else', () => {
  const filesIn = (folder: string) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll(sep, '/'));
  const built = filesIn('src')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => `dist/${file.slice(0, -'.ts'.length)}`);
  const docs = filesIn('docs').filter((file) => /\.(md|svg)$/.test(file));
  const expected = [
    ...['LICENSE', 'README.md', 'package.json'],
    ...docs.map((file) => `docs/${file}`),
    ...built.flatMap((name) => [`${name}.js`, `${name}.d.ts`]),
  ];
  expect(packed.toSorted()).toEqual(expected.toSorted());
});

it('locks the packages of every platform, without which npm ci refuses to install anything', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const missing = Object.entries<{ optionalDependencies?: object }>(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !(`node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
});

it('depends on the packages that the build imports, and on the types that its declarations name', () => {
  const imported = packed
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...readFileSync(join(ROOT, file), 'utf8').matchAll(/\b(?:from |import |import\()'([^.'\n][^'\n]*)'/g),
    ])
    .map(([, name]) => name!)
    .filter((name) => !name.startsWith('node:'))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)![0]);
  expect([...new Set([...imported, '@webgpu/types'])].toSorted()).toEqual(
    Object.keys({ ...MANIFEST.dependencies, ...MANIFEST.optionalDependencies }).toSorted(),
  );
});

it('runs nothing when it is installed, and says where it comes from', () => {
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
    expect(MANIFEST.scripts).not.toHaveProperty(script);
  expect(MANIFEST.repository.url).toMatch(/^git\+https:\/\/.*\.git$/);
  expect(MANIFEST.publishConfig.provenance).toBe(true);
  const changes = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  expect(/^## (\S+)/m.exec(changes)![1]).toBe(MANIFEST.version);
});

it('installs packages of permissive licences only', async () => {
  const { status, stdout, stderr } = await run(process.execPath, [join(ROOT, 'scripts/licences.mjs')], ROOT);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^MIT \(\d+\): .*commander@/m);
});

it('trains without its optional packages, and says which one a log or a chart needs', async () => {
  const packages = Object.keys(MANIFEST.optionalDependencies);
  const hidden = packages.map(
    (name) => [join(app, 'node_modules', name), join(folder, name.replace('/', '+'))] as const,
  );
  for (const [here, there] of hidden) renameSync(here, there);
  try {
    const gsas = (...args: string[]) =>
      run(process.execPath, [join(app, 'node_modules/gsas-wgpu/dist/cli/main.js'), ...args], app);
    const trained = await gsas('train', '--out', 'plain', ...flagsOf(SMALL));
    expect(trained).toMatchObject({ status: 0, stdout: expect.stringContaining('stopped after 3 steps') });
    expect(trained.stderr).toMatch(
      /^plain has no report: drawing a chart needs the package vega-lite, .*; npm install vega-lite\n$/,
    );
    writeFileSync(join(app, 'log.csv'), 'user,item\na,b\n');
    const { status, stderr } = await gsas('data', 'import', 'log.csv', '--out', 'data');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^error: reading a log needs the package @duckdb\/node-api, .*\n$/),
    });
  } finally {
    for (const [here, there] of hidden) renameSync(there, here);
  }
});

it('trains by the command in an empty folder', async () => {
  const { status, stdout, stderr } = await run('npx', ['gsas-wgpu', 'train', ...flagsOf(SMALL)], app);
  expect({ status, stderr: withoutNpm(stderr) }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('stopped after 3 steps');
  expect(existsSync(join(app, 'runs/synthetic/best.safetensors'))).toBe(true);
});

it('trains through the library', async () => {
  const program = `
    import { openGpu, syntheticDataset, train } from 'gsas-wgpu';
    const gpu = await openGpu();
    const { dataset } = syntheticDataset({ items: 240, users: 200, valUsers: 40 });
    const { steps, best } = await train({ gpu, dataset, options: ${JSON.stringify(SMALL)} });
    console.log(steps, [...best.weights.keys()][0]);
    gpu.close();`;
  const outcome = await run(process.execPath, ['--input-type=module', '-e', program], app);
  expect(outcome).toEqual({ status: 0, stdout: '3 item_embedding.weight\n', stderr: '' });
});

it('offers the library without Node, and operations as modules', async () => {
  const program = `
    import { registry } from 'gsas-wgpu/browser';
    import { linear } from 'gsas-wgpu/kernels/linear';
    import { rank } from 'gsas-wgpu/kernels/score/rank';
    console.log(registry.some(({ name }) => name === 'linear'), typeof linear, typeof rank);`;
  const outcome = await run(process.execPath, ['--input-type=module', '-e', program], app);
  expect(outcome).toEqual({ status: 0, stdout: 'true function function\n', stderr: '' });
});

const [, README_PROGRAM] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))!;
const STRICT = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext'];

it.each([
  ['by itself, with the DOM library', []],
  ['without the DOM library', ['--lib', 'es2023', '--types', '@webgpu/types', '--skipLibCheck']],
])("type-checks the README's program under strict, %s", async (_, options) => {
  const declared = `
    export const limit: number = gpu.device.limits.maxBufferSize;
    // @ts-expect-error so the declarations are found: what cannot be resolved would be any
    gpu.device.noSuchMember;
    // @ts-expect-error
    train({ gpu, dataset, options: { embedding_dim: '64' } });`;
  writeFileSync(join(app, 'program.ts'), README_PROGRAM + declared);
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = await run(process.execPath, [compiler, ...STRICT, ...options, 'program.ts'], app);
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});

it.for(['5.0', '5.9', '6.0', '7.0'])(
  "type-checks the README's program with TypeScript %s and no setting",
  async (version, context) => {
    const compilers = join(folder, `typescript-${version}`);
    mkdirSync(compilers);
    writeFileSync(join(compilers, 'package.json'), '{ "private": true }\n');
    const asked = ['install', '--prefer-offline', '--fetch-retries=0', '--no-audit', '--no-fund', '--ignore-scripts'];
    const installed = await run('npm', [...asked, `typescript@~${version}.0`], compilers);
    const compiler = join(compilers, 'node_modules/typescript/bin/tsc');
    if (installed.status !== 0 || !existsSync(compiler)) skipUntested(context, 'the npm registry does not give it');
    const program = `
    // @ts-expect-error
    train({ gpu, dataset, options: { embedding_dim: '64' } });`;
    writeFileSync(join(app, 'plain.ts'), README_PROGRAM + program);
    for (const options of [[], ['--module', 'esnext', '--moduleResolution', 'bundler']]) {
      const { status, stdout } = await run(process.execPath, [compiler, ...STRICT, ...options, 'plain.ts'], app);
      expect({ status, stdout, options }).toEqual({ status: 0, stdout: '', options });
    }
  },
);

/** Standard error without npm's own messages (about its configuration, or a newer version of npm). */
function withoutNpm(stderr: Outcome['stderr']): string {
  return stderr.replaceAll(/^npm (warn|notice).*\n/gm, '');
}
