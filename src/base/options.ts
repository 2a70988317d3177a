import { editDistance } from './edit-distance.js';
import { InputError } from './errors.js';
import { quoted } from './printable.js';

/** What values a configuration key can take. `min` and `max` are allowed themselves, `above` and `below` are not. */
export type Domain =
  | {
      readonly type: 'integer' | 'number';
      readonly min?: number;
      readonly above?: number;
      readonly max?: number;
      readonly below?: number;
      /** null is allowed and means no limit. */
      readonly optional?: true;
    }
  | { readonly type: 'boolean' }
  | { readonly type: 'choice'; readonly choices: readonly string[] };

/** One configuration key. Its flag, its validation, its line of help and its TypeScript type are all derived from this. */
export type Option = Domain & {
  readonly default: OptionValue;
  readonly help: string;
  /** It only says when to stop, so a resumed run may change it. */
  readonly limit?: true;
  /** Weights fit one value alone: a run that starts from those of another has its value. */
  readonly fixed?: true;
};

export type OptionValue = number | boolean | string | null;

type ValueOf<O> = O extends { type: 'boolean' }
  ? boolean
  : O extends { choices: readonly (infer C)[] }
    ? C
    : O extends { optional: true }
      ? number | null
      : number;

/** The object type that a table of options describes. */
export type Values<Table> = { -readonly [K in keyof Table]: ValueOf<Table[K]> };

/** All members of a union at once. */
export type Both<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** Something that an option chooses by name, and the options that mean something for it alone. */
export interface Choice {
  readonly name: string;
  /** What it is, in a phrase. */
  readonly help: string;
  /** A key that several choices have means the same in each. */
  readonly options: Readonly<Record<string, Option>>;
}

/** A choice whose options are numbers, which are its settings. */
export interface NumericChoice extends Choice {
  readonly options: Readonly<Record<string, Option & { readonly default: number }>>;
}

/** Numbers by name, such as a learning rate. */
export type Settings = Readonly<Record<string, number>>;

/** What a choice's options come to in a configuration; without one, their defaults. */
export function settingsOf({ options }: NumericChoice, config: Readonly<Record<string, unknown>> = {}): Settings {
  return Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, (config[key] as number | undefined) ?? option.default]),
  );
}

/** The option that chooses one of `choices`, which its help explains. */
export function choiceOf(help: string, choices: Readonly<Record<string, Choice>>, standard: string) {
  const explained = Object.values(choices).map((choice) => `${choice.name} is ${choice.help}`);
  return {
    type: 'choice',
    default: standard,
    choices: Object.keys(choices),
    help: `${help}: ${explained.join('; ')}`,
  } as const satisfies Option;
}

/** The options of all choices together, by key. */
export function optionsOf<C extends { readonly options: object }>(choices: readonly C[]): Both<C['options']> {
  return Object.assign({}, ...choices.map(({ options }) => options));
}

/** The domain in words, as errors and help show it: "an integer, at least 1". */
export function describeDomain(domain: Domain): string {
  if (domain.type === 'boolean') return 'true or false';
  if (domain.type === 'choice') return `one of ${domain.choices.join(', ')}`;
  const bounds = [
    domain.min !== undefined && `at least ${domain.min}`,
    domain.above !== undefined && `above ${domain.above}`,
    domain.max !== undefined && `at most ${domain.max}`,
    domain.below !== undefined && `below ${domain.below}`,
  ].filter((bound) => bound !== false);
  const noun = domain.type === 'integer' ? 'an integer' : 'a number';
  return [noun, bounds.join(' and '), domain.optional && 'or none for no limit'].filter(Boolean).join(', ');
}

/**
 * Throws an InputError that names the source, the key, the value and what is allowed, unless the domain holds the value.
 * `source` says where the value came from: a file, "the command line".
 */
export function checkValue(key: string, value: unknown, domain: Domain, source: string): void {
  if (!holds(domain, value)) {
    throw new InputError(`${source}: ${key} is ${quoted(value)}; it must be ${describeDomain(domain)}`);
  }
}

function holds(domain: Domain, value: unknown): boolean {
  if (domain.type === 'boolean') return typeof value === 'boolean';
  if (domain.type === 'choice') return domain.choices.some((choice) => choice === value);
  if (value === null) return domain.optional === true;
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  return (
    (domain.type === 'number' || Number.isSafeInteger(value)) &&
    value >= (domain.min ?? -Infinity) &&
    value <= (domain.max ?? Infinity) &&
    (domain.above === undefined || value > domain.above) &&
    (domain.below === undefined || value < domain.below)
  );
}

/** A value as typed on the command line ("256", "false", "none"), checked like checkValue does. */
export function parseValue(key: string, text: string, domain: Domain, source: string): OptionValue {
  let value: OptionValue = text;
  if (domain.type === 'boolean' && (text === 'true' || text === 'false')) value = text === 'true';
  if (domain.type === 'integer' || domain.type === 'number') {
    if (text === 'none') value = null;
    else if (text.trim() !== '' && !Number.isNaN(Number(text))) value = Number(text);
  }
  checkValue(key, value, domain, source);
  return value;
}

/** An InputError for a name that is not in `known`: it suggests the nearest one, or lists them all. */
export function unknownName(what: string, name: string, known: readonly string[], source?: string): InputError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
  return new InputError(`${source ? `${source}: ` : ''}unknown ${what} ${quoted(name)}; ${hint}`);
}

/** Longer words are not typing errors of a known name, and the time of the distance grows with their length. */
const MOST_LETTERS = 100;

/**
 * The known name that contains the word ("dropout" in dropout_rate), else the nearest one whose edit distance is at most a third of the word's
 * letters. Case and the kind of dash do not count. Undefined if there is none.
 */
function nearestName(word: string, known: readonly string[]): string | undefined {
  if (word.length > MOST_LETTERS) return undefined;
  const plain = (text: string) => text.toLowerCase().replaceAll('-', '_');
  const distance = (name: string) => (plain(name).includes(plain(word)) ? 0 : editDistance(plain(word), plain(name)));
  const ranked = known.map((name) => ({ name, distance: distance(name) })).sort((a, b) => a.distance - b.distance);
  return ranked.find((near) => near.distance <= Math.max(1, word.length / 3))?.name;
}
