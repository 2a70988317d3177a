import { InputError } from '../base/errors.js';
import type { Option } from '../base/options.js';
import { JUDGE_OPTIONS, JUDGES } from '../kernels/score/judges/index.js';

/**
 * The options of other losses than the one that is asked for, at their defaults. They may stand in a layer below that loss, such as a preset.
 * @param layers of options, each of which overlays those before it
 * @throws InputError where one is given beside the loss that it means nothing for
 */
export function foreignOptions(
  layers: readonly Readonly<Record<string, unknown>>[],
  standard: string,
  source: string,
): Record<string, unknown> {
  const chosen = layers.findLastIndex(({ loss }) => loss !== undefined);
  const loss = (layers[chosen]?.loss as string | undefined) ?? standard;
  const options: Record<string, Option> = JUDGE_OPTIONS;
  const foreign = Object.keys(options).filter((key) => !Object.hasOwn(JUDGES[loss].options, key));
  for (const key of foreign) {
    const beside = layers.slice(Math.max(0, chosen));
    const given = beside.find((layer) => layer[key] !== undefined && layer[key] !== options[key].default);
    if (!given) continue;
    const owners = Object.values(JUDGES).filter((judge) => Object.hasOwn(judge.options, key));
    const names = owners.map(({ name }) => name).join(' or ');
    throw new InputError(
      `${source}: ${key} is ${given[key]}, but means nothing for the loss ${loss}; leave it out, or set loss to ${names}`,
    );
  }
  return Object.fromEntries(foreign.map((key) => [key, options[key].default]));
}
