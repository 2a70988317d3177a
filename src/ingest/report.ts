import { printable } from '../base/printable.js';
import type { ImportReport } from './import.js';

/** What an import used, left out and came across, in lines for a person. */
export function describeImport({ columns, notes, read, dropped, split, unseen, untitled, kept }: ImportReport): string {
  const n = (value: number) => value.toLocaleString('en-US');
  const reasons = {
    incomplete: 'without a user or an item',
    events: 'events of other kinds',
    rating: 'rated too low',
    duplicates: 'duplicates',
    tooFew: 'of users or items with too few',
    unseen: 'of items unseen in training',
  };
  const left = Object.entries(reasons).flatMap(([name, words]) => {
    const count = dropped[name as keyof typeof reasons];
    return count > 0 ? [`${n(count)} ${words}`] : [];
  });
  const lines = [
    ...columns,
    ...notes.map((note) => `note: ${note}`),
    `${n(read)} interactions read${left.length > 0 ? `; left out: ${left.join(', ')}` : ', none left out'}`,
    `split ${split}`,
  ];
  if (unseen.items > 0)
    lines.push(
      `items not in training: ${n(unseen.items)}, the target of ${n(unseen.valTargets)} validation and ${n(unseen.testTargets)} test lines`,
    );
  if (untitled > 0) lines.push(`items without a title, shown by their id: ${n(untitled)}`);
  if (kept.length > 0) lines.push(`kept in the folder, since no import wrote it: ${kept.map(printable).join(', ')}`);
  return lines.join('\n');
}
