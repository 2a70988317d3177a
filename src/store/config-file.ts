import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { InputError } from '../base/errors.js';
import { unknownName } from '../base/options.js';
import { quoted } from '../base/printable.js';
import { checkOptions, optionTable, type TrainOptions } from '../train/config.js';
import { PRESETS } from '../train/presets.js';
import { readText } from './files.js';

/** A configuration file: training options, and what else the command line could say. */
export interface ConfigFile {
  readonly options: Partial<TrainOptions>;
  readonly preset?: string;
  /** The folders of the dataset and of the run, as paths from the working directory. In the file they are relative to the file's own folder. */
  readonly data?: string;
  readonly out?: string;
}

/** A file with all keys and a comment for each takes a fraction of this. Parsing YAML takes a hundred times its size in memory. */
const MOST_BYTES = 2 ** 16;

const PATHS = ['data', 'out'];

/**
 * Reads a configuration in YAML (or JSON, which is YAML): training options with their values, and `preset`, `data` and `out`.
 * @throws InputError with file, line and value for invalid YAML, an unknown key (with the nearest one) or an invalid value
 */
export function readConfigFile(file: string): ConfigFile {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > MOST_BYTES)
    throw new InputError(`${file}: has ${bytes} bytes, too many for a configuration, which has ${MOST_BYTES} at most`);
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => `${file} line ${lines.linePos(offset).line}`;
  const [error] = document.errors;
  if (error) throw new InputError(`${at(error.pos[0])}: is not YAML: ${error.message}`);
  if (!isMap(document.contents)) throw new InputError(`${file}: holds no keys and values, such as lr: 0.001`);

  const table = optionTable();
  const keys = ['preset', ...PATHS, ...Object.keys(table)];
  const options: Record<string, unknown> = {};
  const others: Record<string, string> = {};
  for (const { key, value } of document.contents.items) {
    const source = at(isScalar(key) && key.range ? key.range[0] : 0);
    const name = String(isScalar(key) ? key.value : key);
    const given: unknown = isScalar(value) ? value.value : value && document.createNode(value).toJSON();
    if (!keys.includes(name)) throw unknownName('key', name, keys, source);
    if (Object.hasOwn(table, name)) {
      // As on the command line, "none" is no limit; YAML's own word for it is null.
      const unlimited = given === 'none' && table[name].type !== 'choice';
      Object.assign(options, checkOptions({ [name]: unlimited ? null : given }, source));
      continue;
    }
    if (typeof given !== 'string' || given.trim() === '')
      throw new InputError(`${source}: ${name} is ${quoted(given)}; it must be ${wanted(name)}`);
    if (name === 'preset' && !Object.hasOwn(PRESETS, given))
      throw unknownName('preset', given, Object.keys(PRESETS), source);
    others[name] = PATHS.includes(name) ? resolve(dirname(file), given) : given;
  }
  return { options, ...others };
}

function wanted(key: string): string {
  return key === 'preset' ? `one of ${Object.keys(PRESETS).join(', ')}` : 'a folder';
}
