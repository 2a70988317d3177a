import type { Command } from 'commander';
import { InputError } from '../base/errors.js';
import { readItems } from './items.js';
import { type ListFlags, listOptions, takeListFlags, tell } from './list-flags.js';
import { printJson } from './output.js';
import { namedRows, recommendationTable } from './recommendations.js';
import { RUN_HELP, type SubjectFlags, subjectOf, takeRunOptions, withDevice } from './subject.js';

interface Flags extends SubjectFlags, ListFlags {
  json?: true;
}

export function addSimilar(program: Command): void {
  const command = program
    .command('similar')
    .description('the items most like others, by the cosine of the vectors that a model scores them with');
  command.argument('<run>', RUN_HELP).argument('<items...>', 'ids or titles, as recommend takes them; a list for each');
  takeListFlags(takeRunOptions(command, 'dataset with the titles (default: the one the run was trained on)'))
    .option('--json', 'one JSON object an item')
    .action(runSimilar);
}

async function runSimilar(run: string, items: string[], flags: Flags): Promise<void> {
  const chosen = subjectOf(run, flags);
  const { finder, options } = listOptions(run, chosen, flags);
  const asked = readItems(finder, items, 'items', tell);
  if (asked.length === 0) throw new InputError('none of it is an item of this model; give ids or titles');
  await withDevice(async (device) => {
    const lists = await (await chosen.subject.recommender(device)).similar(asked, options);
    lists.forEach((list, i) => {
      const rows = namedRows(list, finder.names);
      if (flags.json) for (const row of rows) printJson({ similar_to: asked[i], ...row });
      else console.log(`${i > 0 ? '\n' : ''}like ${finder.describe(asked[i])}:\n\n${recommendationTable(rows)}`);
    });
  });
}
