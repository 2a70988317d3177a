import type { ImportReport } from './import.js';

/** What an import took, left out and met, in lines for a person. */
export function describeImport({ columns, read, dropped, split, unseen, untitled }: ImportReport): string {
  const n = (value: number) => value.toLocaleString('en-US');
  const reasons = {
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
    `${n(read)} interactions read${left.length > 0 ? `; left out: ${left.join(', ')}` : ', none left out'}`,
    `split ${split}`,
  ];
  if (unseen.items > 0)
    lines.push(
      `${n(unseen.items)} items are not in training; they are the target of ${n(unseen.valTargets)} validation and ${n(unseen.testTargets)} test lines`,
    );
  if (untitled > 0) lines.push(`${n(untitled)} items have no title; their id stands for it`);
  return lines.join('\n');
}
