import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What a folder of src may import: its own files and those of the layers below, and which packages. */
const MAY_IMPORT: Record<string, RegExp> = {
  base: /^base\//,
  engine: /^((base|engine)\/|wgsl-preprocessor\/)/,
  kernels: /^(base|engine|kernels)\//,
  model: /^(base|engine|kernels|model)\//,
  data: /^(base|data)\//,
  train: /^(base|engine|kernels|model|data|train|infer|store)\/|^node:/,
  infer: /^(base|engine|kernels|model|data|infer)\//,
  store:
    /^((base|engine|kernels|model|data|train|infer|store)\/|node:|csv-parse|pbf$|fflate$|fuse\.js$|yaml$|@duckdb\/node-api$)/,
  ingest: /^((base|data|store|ingest)\/|node:|csv-parse|fflate$|@duckdb\/node-api$)/,
  report: /^((base|engine|kernels|model|data|train|infer|store|report)\/|node:|vega$|vega-lite$)/,
  serve: /^((base|engine|kernels|model|data|train|infer|store|report|serve)\/|node:|prom-client$)/,
  node: /^((base|engine|node)\/|node:|webgpu$)/,
  cli: /^(?!index)[a-z]+\/|^node:|^commander$|^yaml$|^@bomb\.sh\/tab\/commander$/,
  'index.ts': /^(?!cli)[a-z]+\//,
};

it('imports run one way: base <- engine <- kernels <- model <- train, infer <- store <- report <- serve <- cli', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const imports = files.flatMap((file) =>
    [...readFileSync(join(SRC, file), 'utf8').matchAll(/\b(?:from |import |import\()'([^'\n]+)'/g)].map(([, name]) => ({
      file,
      name: name!.startsWith('.') ? relative(SRC, join(SRC, dirname(file), name!)).replaceAll(sep, '/') : name!,
    })),
  );
  expect(imports.length).toBeGreaterThan(files.length);
  expect(imports.filter(({ file, name }) => !MAY_IMPORT[file.split(sep)[0]].test(name))).toEqual([]);
});
