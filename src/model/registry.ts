import { GsasError } from '../base/errors.js';
import { type Both, type Option, unknownName, type Values } from '../base/options.js';
import type { Architecture, ModelConfig } from './architecture.js';
import { bert4rec } from './bert4rec.js';
import { esasrec } from './esasrec.js';
import { gru4rec } from './gru4rec.js';
import { gsasrec } from './gsasrec.js';
import { sasrec } from './sasrec.js';

const BUILT_IN = [gsasrec, sasrec, esasrec, bert4rec, gru4rec] as const;

/** The options of all built-in architectures together. A configuration holds those of its own architecture alone. */
export type ModelOptions = Both<Values<(typeof BUILT_IN)[number]['options']>>;

const architectures = new Map<string, Architecture>(BUILT_IN.map((architecture) => [architecture.name, architecture]));

/** The architecture that is used if none is named. */
export const DEFAULT_MODEL = gsasrec.name;

/** Adds an architecture under its name, for configurations, checkpoints and everything that reads them. @throws GsasError if the name is taken */
export function registerArchitecture(architecture: Architecture): void {
  const { name } = architecture;
  if (architectures.has(name)) throw new GsasError(`there is an architecture ${name} already; choose another name`);
  architectures.set(name, architecture);
}

/** The names of all architectures, the default first. */
export function architectureNames(): string[] {
  return [...architectures.keys()];
}

/** @param source named in the error, if given. @throws InputError for a name that is not registered */
export function architectureOf({ model }: Pick<ModelConfig, 'model'>, source?: string): Architecture {
  const found = architectures.get(model);
  if (!found) throw unknownName('model', model, architectureNames(), source);
  return found;
}

/** All architectures by name. */
export function allArchitectures(): Readonly<Record<string, Architecture>> {
  return Object.fromEntries(architectures);
}

/** The options of all architectures. If several have a key, the first one's counts. */
export function modelOptions(): Record<string, Option> {
  return Object.assign({}, ...[...architectures.values()].reverse().map(({ options }) => options));
}
