import { InputError } from '../base/errors.js';
import { type Dataset, Sequences, type Split } from './dataset.js';

/**
 * Everything that each user did, held-out items included: the longest of the user's lines. Users are numbered as in `Split.users`.
 * @throws InputError if it is unknown which user a held-out line belongs to
 */
export function fullHistories(dataset: Dataset): Sequences {
  const { name, train } = dataset;
  const whole: Uint32Array[] = Array.from({ length: train.count }, (_, user) => train.at(user));
  const splits = [dataset.val, dataset.test].filter(({ targets }) => targets.length > 0);
  const users = splits.map((split) => split.users ?? sameUsers(train, split));
  // Lines of unknown users add nothing if another split holds the latest item of every user.
  const covered = splits.at(-1)?.users === undefined && users.at(-1) !== undefined;
  splits.forEach(({ inputs, targets }, i) => {
    const of = users[i];
    if (!of) {
      if (covered) return;
      throw new InputError(
        `${name}: which user a held-out line is of is not known, as it has no users.txt; import the log with \`gsas-wgpu data import\``,
      );
    }
    of.forEach((user, line) => {
      const length = inputs.lengthOf(line) + 1;
      if (length <= (whole[user]?.length ?? 0)) return;
      whole[user] = new Uint32Array(length);
      whole[user].set(inputs.at(line));
      whole[user][length - 1] = targets[line];
    });
  });
  return Sequences.from(whole);
}

/** The dataset with nothing held out: every user's whole history is for training. @throws as `fullHistories` */
export function withNothingHeldOut(dataset: Dataset): Dataset {
  const nobody: Split = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
  return { ...dataset, train: fullHistories(dataset), val: nobody, test: nobody };
}

/** The users of a split's lines, if line i continues line i of `train` for all of them; else undefined. */
function sameUsers(train: Sequences, { inputs, targets }: Split): Uint32Array | undefined {
  if (targets.length !== train.count) return undefined;
  const lines = Uint32Array.from(targets, (_, line) => line);
  const goesOn = (line: number) => {
    const before = train.at(line);
    const after = inputs.at(line);
    return before.length <= after.length + 1 && before.every((item, i) => item === (after[i] ?? targets[line]));
  };
  return lines.every(goesOn) ? lines : undefined;
}
