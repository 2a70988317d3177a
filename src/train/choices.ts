import { InputError } from '../base/errors.js';
import type { Choice, Option } from '../base/options.js';

type Layer = Readonly<Record<string, unknown>>;

/** A key's choices by name, and the one that is taken where none is given. */
export interface Choices {
  readonly choices: Readonly<Record<string, Choice>>;
  readonly standard: string;
}

/**
 * The options that mean nothing beside what was chosen, such as another loss's. They may stand in a layer below the choice, such as a preset.
 * @param layers of options, each of which overlays those before it
 * @param keys that choose
 * @returns the keys of those options
 * @throws InputError where one is given beside the choice that it means nothing for
 */
export function foreignOptions(
  layers: readonly Layer[],
  keys: Readonly<Record<string, Choices>>,
  source: string,
): string[] {
  return Object.entries(keys).flatMap(([key, choices]) => foreignTo(key, choices, layers, source));
}

function foreignTo(key: string, { choices, standard }: Choices, layers: readonly Layer[], source: string): string[] {
  const all = Object.values(choices);
  const chosenIn = layers.findLastIndex((layer) => layer[key] !== undefined);
  const chosen = choices[(layers[chosenIn]?.[key] as string | undefined) ?? standard];
  const foreign: [string, Option][] = all
    .flatMap(({ options }) => Object.entries(options))
    .filter(([option]) => !Object.hasOwn(chosen.options, option));
  const beside = layers.slice(Math.max(0, chosenIn));
  for (const [option, { default: value }] of foreign) {
    const given = beside.find((layer) => layer[option] !== undefined && layer[option] !== value);
    if (!given) continue;
    const owners = all.filter(({ options }) => Object.hasOwn(options, option)).map(({ name }) => name);
    throw new InputError(
      `${source}: ${option} is ${given[option]}, but means nothing for the ${key} ${chosen.name}; leave it out, or set ${key} to ${owners.join(' or ')}`,
    );
  }
  return foreign.map(([option]) => option);
}
