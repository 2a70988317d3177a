import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext } from 'vitest';
import { gsas, start } from './support/command.js';
import { scratchFolder } from './support/scratch.js';
import { skipUntested } from './support/untested.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { version: VERSION } = JSON.parse(read('package.json'));
const LOCKED: Record<string, { dev?: boolean } | undefined> = JSON.parse(read('package-lock.json')).packages;
const at = scratchFolder();

/** Fills a folder's node_modules with links to some of the repository's packages. @param wanted is asked with each one's path in the lock file */
function linkPackages(folder: string, wanted: (path: string) => boolean): void {
  const link = (path: string) => {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    if (wanted(path)) symlinkSync(join(ROOT, path), join(folder, path));
  };
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    const path = `node_modules/${name}`;
    if (name.startsWith('@')) for (const inner of readdirSync(join(ROOT, path))) link(`${path}/${inner}`);
    else if (name !== '.cache') link(path);
  }
}

/** An instruction of the Dockerfile, such as COPY, and its words. */
interface Step {
  readonly name: string;
  readonly words: readonly string[];
}

/** The stages of the Dockerfile, whose lines go on after a backslash, by name. */
const stages = new Map<string, Step[]>();
for (const line of read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter(Boolean)) {
  const [name, ...words] = line.trim().split(/\s+/);
  if (name === 'FROM') stages.set(words[2], []);
  [...stages.values()].at(-1)!.push({ name, words });
}
const stepsOf = (stage: string, name: string) =>
  stages
    .get(stage)!
    .filter((step) => step.name === name)
    .map(({ words }) => words);

/** What of the repository is sent to the engine. */
const sent = read('.dockerignore')
  .trim()
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));

describe('the Dockerfile', () => {
  it('has a stage for a CPU, the default, and one for an NVIDIA GPU, on Debian 13 and a Node that the package takes', () => {
    expect([...stages.keys()]).toEqual(['build', 'base', 'nvidia', 'cpu']);
    expect(read('.dockerignore').startsWith('*\n')).toBe(true);
    const [least] = /\d+/.exec(JSON.parse(read('package.json')).engines.node)!;
    for (const stage of ['build', 'base']) {
      const [[image]] = stepsOf(stage, 'FROM');
      expect(image).toMatch(/^node:\d+-trixie-slim$/);
      expect(Number(/\d+/.exec(image))).toBeGreaterThanOrEqual(Number(least));
    }
    for (const stage of ['nvidia', 'cpu']) {
      expect(stepsOf(stage, 'FROM')).toEqual([['base', 'AS', stage]]);
      expect(stages.get(stage)!.at(-1)).toEqual({ name: 'USER', words: ['node'] });
    }
  });

  it('copies what is there and is sent to the engine, which is no more than that', () => {
    const copied = stepsOf('build', 'COPY').flatMap((words) => words.slice(0, -1));
    expect(copied.toSorted()).toEqual(sent.toSorted());
    for (const path of copied) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  it('makes the command of what it copies, without the packages that only development needs', async () => {
    const app = at('app');
    for (const words of stepsOf('build', 'COPY'))
      for (const path of words.slice(0, -1)) {
        mkdirSync(join(app, path, '..'), { recursive: true });
        cpSync(join(ROOT, path), join(app, path), { recursive: true });
      }
    const runs = stepsOf('build', 'RUN').map((words) => words.join(' '));
    const [install, build, prune] = runs;
    expect(runs).toEqual([install, build, prune]);
    // In place of installing and pruning, for which a registry may be missing: the packages are here, and the lock file says which are for development.
    expect([install, prune]).toEqual(['npm ci --no-audit --no-fund', 'npm prune --omit=dev --no-audit --no-fund']);
    linkPackages(app, () => true);
    const [program, ...args] = build.split(' ');
    expect(await start(program, args, app).ended).toMatchObject({ status: 0 });
    for (const path of stepsOf('base', 'COPY').map(([, from]) => from.slice('/app/'.length)))
      if (path === 'node_modules') linkPackages(at('image/app'), (path) => !LOCKED[path]?.dev);
      else cpSync(join(app, path), at('image/app', path), { recursive: true });
    const [[, file]] = stepsOf('base', 'ENTRYPOINT').map((words) => JSON.parse(words.join(' ')));
    for (const [flag, answer] of [
      ['--version', VERSION],
      ['--help', 'serve'],
    ])
      expect(await start(process.execPath, [at('image', file), flag], at()).ended).toMatchObject({
        ...{ status: 0, stderr: '' },
        stdout: expect.stringContaining(answer),
      });
  });

  it('opens the port that serve listens on, and that the guide names', async () => {
    const { stdout } = await gsas(ROOT, 'serve', '--help');
    const [, port] = /--port[\s\S]*?default:\s*(\d+)/.exec(stdout)!;
    expect(stepsOf('base', 'EXPOSE')).toEqual([[port]]);
    const lines = read('docs/serving.md').match(/^docker .*$/gm)!;
    expect(lines.length).toBeGreaterThanOrEqual(4);
    for (const line of lines.filter((line) => line.startsWith('docker run'))) expect(line).toContain(`:${port}`);
  });

  it('installs packages that Debian has', async (context: TestContext) => {
    const names = ['nvidia', 'cpu'].flatMap((stage) =>
      stepsOf(stage, 'RUN').flatMap((words) => {
        const [, after] = /install ([^&]*)&&/.exec(words.join(' '))!;
        return after.split(' ').filter((word) => word && !word.startsWith('--'));
      }),
    );
    expect(names).toContain('mesa-vulkan-drivers');
    const show = (name: string) => promisify(execFile)('apt-cache', ['show', name]);
    await show('libc6').catch(() => skipUntested(context, 'apt knows no packages here'));
    for (const name of names) await show(name);
  });
});
