import { GsasError } from '../../../base/errors.js';
import { scoreShared } from '../shared/index.js';
import type { Negatives } from './negatives.js';

/** The loss over the lists that negatives have chosen. @param others a candidate that is a token's own positive does not count for it */
export function lossOfLists({ others }: { others: boolean }): Negatives['loss'] {
  return (tape, h, table, targets, { verdict, numItems, lists, scale }) => {
    if (!lists) throw new GsasError('these negatives are lists of a batch, which were not made');
    return scoreShared(tape, h, table, targets, {
      verdict,
      lists,
      numItems,
      others,
      ...(scale !== undefined && { scale }),
    });
  };
}
