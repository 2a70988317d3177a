import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What a folder of src may import: its own files and those of the layers below, and which packages. */
const MAY_IMPORT: Record<string, RegExp> = {
  engine: /^(engine\/|wgsl-preprocessor\/)/,
  kernels: /^(engine|kernels)\//,
  model: /^(engine|kernels|model)\//,
  data: /^(data\/|engine\/(edit-distance|errors|philox)\.js$|node:|csv-parse|fflate$|fuse\.js$|@duckdb\/node-api$)/,
  train: /^((engine|kernels|model|data|train)\/|node:|pbf$|fflate$|yaml$)/,
  report: /^((engine|kernels|model|data|train|report)\/|node:|vega$|vega-lite$)/,
  serve: /^((engine|kernels|model|data|train|report|serve)\/|node:|prom-client$)/,
  node: /^((engine|node)\/|node:|webgpu$)/,
  cli: /^((engine|kernels|model|data|train|report|serve|node|cli)\/|node:|commander$|yaml$|@bomb\.sh\/tab\/commander$)/,
  'index.ts': /^(engine|kernels|model|data|train|report|serve|node)\//,
};

it('imports run one way: engine <- kernels <- model <- train <- report <- serve <- cli, data <- train', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const imports = files.flatMap((file) =>
    [...readFileSync(join(SRC, file), 'utf8').matchAll(/\b(?:from |import |import\()'([^'\n]+)'/g)].map(([, name]) => ({
      file,
      name: name!.startsWith('.') ? relative(SRC, join(SRC, dirname(file), name!)).replaceAll(sep, '/') : name!,
    })),
  );
  expect(imports.length).toBeGreaterThan(files.length);
  expect(imports.filter(({ file, name }) => !MAY_IMPORT[file.split(sep)[0]!]!.test(name))).toEqual([]);
});
