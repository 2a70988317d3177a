import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');

/** What a folder of src may import: its own files and those of the layers below, and which packages. */
const MAY_IMPORT: Record<string, RegExp> = {
  base: /^base\//,
  engine: /^((base|engine)\/|wgsl-preprocessor\/)/,
  kernels: /^(base|engine|kernels)\//,
  data: /^(base|data)\//,
  model: /^(base|engine|kernels|data|model)\//,
  train: /^(base|engine|kernels|model|data|infer|train)\//,
  infer: /^(base|engine|kernels|model|data|infer)\//,
  store:
    /^((base|engine|kernels|model|data|train|infer|store)\/|node:|csv-parse|pbf$|fflate$|fuse\.js$|yaml$|@duckdb\/node-api$)/,
  ingest: /^((base|data|store|ingest)\/|node:|csv-parse|fflate$|@duckdb\/node-api$)/,
  report: /^((base|engine|kernels|model|data|train|infer|store|report)\/|node:|vega$|vega-lite$)/,
  serve: /^((base|engine|kernels|model|data|train|infer|store|report|serve)\/|node:|prom-client$)/,
  node: /^((base|engine|node)\/|node:|webgpu$)/,
  cli: /^(?!index)[a-z]+\/|^node:|^commander$|^yaml$|^@bomb\.sh\/tab\/commander$/,
  'browser.ts': /^(base|engine|kernels|model|data|train|infer)\//,
  'index.ts': /^(?!cli)[a-z]+\/|^browser\.js$/,
};

/** What a file imports: files as paths from `folder`, with '/', and packages by name. */
function importsOf(folder: string, file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return [...text.matchAll(/\b(?:from |import |import\()'([^'\n]+)'/g)].map(([, name]) =>
    name.startsWith('.') ? relative(folder, join(folder, dirname(file), name)).replaceAll(sep, '/') : name,
  );
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
}

it('imports run one way: base <- engine <- kernels, data <- model <- train, infer <- store <- report <- serve <- cli', () => {
  const files = filesOf(SRC);
  const imports = files.flatMap((file) => importsOf(SRC, file).map((name) => ({ file, name })));
  expect(imports.length).toBeGreaterThan(files.length);
  expect(imports.filter(({ file, name }) => !MAY_IMPORT[file.split(sep)[0]].test(name))).toEqual([]);
});

it('what a kernel runs needs nothing of what is said about it: specs, references, the harness', () => {
  const SAID = /(^|\/)(spec|reference|cases|inputs|differences|harness|registry|op|tune)\.[jt]s$/;
  const running = filesOf(join(SRC, 'kernels')).filter((file) => !SAID.test(file));
  const imports = running.flatMap((file) => importsOf(join(SRC, 'kernels'), file).map((name) => ({ file, name })));
  expect(imports.length).toBeGreaterThan(running.length);
  expect(imports.filter(({ name }) => SAID.test(name))).toEqual([]);
});

it('benches use nothing of the tests', () => {
  const imports = filesOf(join(ROOT, 'bench')).flatMap((file) =>
    importsOf(ROOT, join('bench', file)).map((name) => ({ file, name })),
  );
  expect(imports.filter(({ name }) => name.startsWith('src/')).length).toBeGreaterThan(0);
  expect(imports.filter(({ name }) => name.startsWith('test/'))).toEqual([]);
});

it('what the compiler does not check, .mjs files, imports files that are there', () => {
  const scripts = ['bench', 'examples', 'scripts', 'test']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.mjs') && !file.includes('node_modules') && !file.includes('.build'));
  const imports = scripts
    .flatMap((file) => importsOf(ROOT, file).map((name) => ({ file, name })))
    .filter(({ name }) => /^(bench|dist|examples|scripts|test)\/[\w./-]+$/.test(name));
  expect(imports.filter(({ name }) => name.startsWith('bench/.build/')).length).toBeGreaterThan(0);
  const sourceOf = (name: string) =>
    name
      .replace('bench/.build/', '')
      .replace(/^dist\//, 'src/')
      .replace(/\.js$/, '.ts');
  expect(imports.filter(({ name }) => !existsSync(join(ROOT, sourceOf(name))))).toEqual([]);
});

/** Folders that run in a browser, too: their imports are listed above, and these globals are Node's alone. */
const ANYWHERE = ['base', 'engine', 'kernels', 'model', 'data', 'train', 'infer'];
const NODE_GLOBALS = /(?<![.'\w]|^declare )(Buffer|process|global|require|setImmediate|__dirname|__filename)\b(?!')/m;

it('nothing below store names a global of Node', () => {
  const portable = filesOf(SRC).filter((file) => ANYWHERE.includes(file.split(sep)[0]));
  expect(portable.length).toBeGreaterThan(50);
  const found = portable.flatMap((file) => {
    const code = readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    const name = NODE_GLOBALS.exec(code)?.[1];
    return name === undefined ? [] : [`${file}: ${name}`];
  });
  expect(found).toEqual([]);
});

it('the library without Node imports nothing of Node, to the end of every path', () => {
  const reached = new Set<string>();
  const packages = new Set<string>();
  const walk = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const name of importsOf(SRC, file)) {
      if (name.endsWith('.js') && !name.startsWith('wgsl-preprocessor/')) walk(name.replace(/\.js$/, '.ts'));
      else packages.add(name);
    }
  };
  walk('browser.ts');
  expect([...packages]).toEqual(['wgsl-preprocessor/wgsl-preprocessor.js']);
  for (const floor of ANYWHERE) expect([...reached].some((file) => file.startsWith(`${floor}/`))).toBe(true);
  expect([...reached].filter((file) => file !== 'browser.ts' && !ANYWHERE.includes(file.split('/')[0]))).toEqual([]);
});

it('no file imports itself by a detour', () => {
  const sources = filesOf(SRC).map((file) => file.replaceAll(sep, '/'));
  const imports = new Map(
    sources.map((file) => [file, importsOf(SRC, file).map((name) => name.replace(/\.js$/, '.ts'))]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const name of imports.get(file) ?? []) visit(name, [...path, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
  expect(cycles).toEqual([]);
});
