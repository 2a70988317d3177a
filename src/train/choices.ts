import { InputError } from '../base/errors.js';
import type { Choice, Option } from '../base/options.js';

type Layer = Readonly<Record<string, unknown>>;

/** The value of a key that follows another one, see `Choices`; it is the key's default. */
export const AUTO = 'auto';

/** A key's choices by name, and the one that is taken where none is given. */
export interface Choices {
  readonly choices: Readonly<Record<string, Choice>>;
  readonly standard: string;
  /** Where the key may be `AUTO`: the other key that then decides, and what follows from its value. */
  readonly follows?: { readonly key: string; of(value: string): { name: string; only: boolean } };
}

/** What a key came to, and the last layer that had a say in it. */
interface Chosen {
  readonly name: string;
  readonly layer: number;
}

/**
 * The options that mean nothing beside what was chosen, such as another loss's. They may stand in a layer below the choice, such as a preset.
 * @param layers of options, each of which overlays those before it
 * @param keys that choose; one that follows another stands behind it
 * @returns the keys of those options
 * @throws InputError where one is given beside the choice that it means nothing for, or two choices do not go together
 */
export function foreignOptions(
  layers: readonly Layer[],
  keys: Readonly<Record<string, Choices>>,
  source: string,
): string[] {
  const chosen: Record<string, Chosen> = {};
  return Object.entries(keys).flatMap(([key, choices]) => {
    const { overruled, ...choice } = chosenOf(key, choices, layers, chosen, source);
    chosen[key] = choice;
    const foreign = foreignTo(key, choices, layers, choice, source);
    return overruled ? [...foreign, key] : foreign;
  });
}

function chosenOf(
  key: string,
  { standard, follows }: Choices,
  layers: readonly Layer[],
  before: Readonly<Record<string, Chosen>>,
  source: string,
): Chosen & { overruled?: boolean } {
  const layer = layers.findLastIndex((each) => each[key] !== undefined);
  const name = (layers[layer]?.[key] as string | undefined) ?? standard;
  if (!follows) return { name, layer };
  const leader = before[follows.key];
  const followed = follows.of(leader.name);
  const auto = { name: followed.name, layer: Math.max(layer, leader.layer) };
  if (name === AUTO) return auto;
  if (!followed.only || name === followed.name) return { name, layer };
  // What a layer below chose was for another value of the key that decides.
  if (layer < leader.layer) return { ...auto, overruled: true };
  throw new InputError(
    `${source}: the ${follows.key} ${leader.name} takes the ${key} ${followed.name}, not ${name}; leave one of them out`,
  );
}

function foreignTo(
  key: string,
  { choices }: Choices,
  layers: readonly Layer[],
  { name, layer }: Chosen,
  source: string,
): string[] {
  const all = Object.values(choices);
  const chosen = choices[name];
  const foreign: [string, Option][] = all
    .flatMap(({ options }) => Object.entries(options))
    .filter(([option]) => !Object.hasOwn(chosen.options, option));
  const beside = layers.slice(Math.max(0, layer));
  for (const [option, { default: value }] of foreign) {
    const given = beside.find((each) => each[option] !== undefined && each[option] !== value);
    if (!given) continue;
    const owners = all.filter(({ options }) => Object.hasOwn(options, option)).map((owner) => owner.name);
    throw new InputError(
      `${source}: ${option} is ${given[option]}, but means nothing for the ${key} ${chosen.name}; leave it out, or set ${key} to ${owners.join(' or ')}`,
    );
  }
  return foreign.map(([option]) => option);
}
