import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

// A minimal project, with an npm and a tsc that only record that they were called: what is tested is
// when the script calls them.
const SCRIPT = fileURLToPath(new URL('../scripts/setup.mjs', import.meta.url));
let root: string;

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const lock = (version: string) =>
  JSON.stringify({
    packages: {
      '': { name: 'project' },
      'node_modules/a': { version, integrity: `sha512-${version}` },
      'node_modules/for-another-system': { version: '1.0.0', optional: true },
    },
  });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gsas-setup-'));
  cpSync(SCRIPT, join(root, 'scripts/setup.mjs'));
  write('package.json', '{ "type": "module", "engines": { "node": ">=20" } }');
  write('package-lock.json', lock('1.0.0'));
  write('tsconfig.json', '{}');
  write('tsconfig.build.json', '{}');
  write('src/cli/main.ts', 'main');
  write('src/node/software.ts', 'export const ensureAdapter = async (log) => log("ADAPTER");');
  // npm ci: empties node_modules, installs tsc, records what it installed.
  write(
    'npm-cli.js',
    `import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
    console.log('NPM', ...process.argv.slice(2));
    rmSync('node_modules', { recursive: true, force: true });
    mkdirSync('node_modules/typescript/bin', { recursive: true });
    writeFileSync('node_modules/typescript/bin/tsc', readFileSync('tsc.js'));
    const { packages } = JSON.parse(readFileSync('package-lock.json'));
    delete packages[''];
    delete packages['node_modules/for-another-system'];
    writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));`,
  );
  // tsc: copies each source into dist, under the name of its output.
  write(
    'tsc.js',
    `import { cpSync, readdirSync, renameSync } from 'node:fs';
    console.log('TSC');
    cpSync('src', 'dist', { recursive: true });
    for (const name of readdirSync('dist', { recursive: true }).filter((name) => name.endsWith('.ts')))
      renameSync('dist/' + name, 'dist/' + name.replace(/ts$/, 'js'));`,
  );
});

afterEach(() => rmSync(root, { recursive: true }));

/** Runs the script; `did` lists which of NPM, TSC and ADAPTER it ran. */
function setup(...args: string[]) {
  const env = { ...process.env, npm_execpath: join(root, 'npm-cli.js') };
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(root, 'scripts/setup.mjs'), ...args], {
    encoding: 'utf8',
    env,
    cwd: tmpdir(),
  });
  expect(stdout).toBe('');
  return { status, stderr, did: stderr.match(/^(NPM ci|TSC|ADAPTER)/gm)?.join(' ') };
}

test('a fresh clone gets packages, a build that can be executed and an adapter, and the second run only asks', () => {
  expect(setup()).toMatchObject({ status: 0, did: 'NPM ci TSC ADAPTER' });
  expect(statSync(join(root, 'dist/cli/main.js')).mode & 0o111).toBe(0o111);
  expect(setup()).toMatchObject({ status: 0, did: 'ADAPTER', stderr: 'ADAPTER\n' });
  expect(setup('build')).toMatchObject({ status: 0, stderr: '' });
});

test('packages are installed again when the lock file asks for others, whatever the times say', () => {
  setup();
  write('package-lock.json', lock('1.0.0')); // newer, but the same
  expect(setup().did).toBe('ADAPTER');
  write('package-lock.json', lock('2.0.0'));
  expect(setup().did).toBe('NPM ci TSC ADAPTER');
});

test('the build is made again, from nothing, when a source changes, goes or the output is gone', () => {
  write('src/old.ts', 'old');
  setup();
  expect(existsSync(join(root, 'dist/old.js'))).toBe(true);
  rmSync(join(root, 'src/old.ts'));
  expect(setup().did).toBe('TSC ADAPTER');
  expect(existsSync(join(root, 'dist/old.js'))).toBe(false);
  write('src/cli/main.ts', 'changed');
  expect(setup().did).toBe('TSC ADAPTER');
  expect(readFileSync(join(root, 'dist/cli/main.js'), 'utf8')).toBe('changed');
  rmSync(join(root, 'dist'), { recursive: true });
  expect(setup().did).toBe('TSC ADAPTER');
});

test('each failure ends it with one line and exit code 1, and is not forgotten by the next run', () => {
  write('tsc.js', 'process.exit(2)');
  for (let run = 0; run < 2; run++) {
    const { status, stderr } = setup();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: the build failed/m);
  }
  write('npm-cli.js', 'process.exit(1)');
  rmSync(join(root, 'node_modules'), { recursive: true });
  expect(setup()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^error: npm ci failed/m) });
});

test('no adapter is a failure too, and a name that no adapter has is bad input', () => {
  write('src/node/software.ts', 'export const ensureAdapter = async () => { throw new Error("no GPU adapter"); };');
  expect(setup()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^error: no GPU adapter$/m) });
  write(
    'src/node/software.ts',
    'export const ensureAdapter = async () => { throw { message: "no such", exitCode: 2 }; };',
  );
  expect(setup()).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error: no such$/m) });
});

test('an old Node is told so', () => {
  write('package.json', '{ "type": "module", "engines": { "node": ">=99" } }');
  expect(setup()).toEqual({ status: 1, stderr: `error: Node 99 or later is needed, this is ${process.version}\n` });
});
