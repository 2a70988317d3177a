import { InputError } from '../base/errors.js';
import type { Choice, Option } from '../base/options.js';

type Layer = Readonly<Record<string, unknown>>;

/** The default of a key whose value follows from another key, see `Choices`. */
export const AUTO = 'auto';

/** A key's choices by name, and the default. */
export interface Choices {
  readonly choices: Readonly<Record<string, Choice>>;
  readonly standard: string;
  /** If the key may be `AUTO`: the other key that then decides, and what follows from that key's value. */
  readonly follows?: { readonly key: string; of(value: string): { name: string; only: boolean } };
}

/** The value that a key resolves to, and the last layer that decided it. */
interface Chosen {
  readonly name: string;
  readonly layer: number;
}

/**
 * The options that mean nothing for what was chosen, such as those of another loss. A layer below the choice, such as a preset, may hold them.
 * @param layers of options, each overlaying those before it
 * @param keys that choose; a key that follows another comes after it
 * @returns the keys of those options
 * @throws InputError if such an option is given beside or above the choice, or two choices do not go together
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
  // A lower layer made this choice for another value of the deciding key.
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
