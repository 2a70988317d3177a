/** The parts of a dataset, each a folder of its own. */
export const PARTS = ['train', 'val', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** The files of each part, without `.txt`: the official ones, and the user id of each line. */
export const LINE_FILES: Readonly<Record<Part, readonly string[]>> = {
  train: ['input', 'users'],
  val: ['input', 'output', 'users'],
  test: ['input', 'output', 'users'],
};

/** The file that makes a folder a dataset. It is removed first and written last, so that no command reads half of one dataset and half of another. */
export const STATS = 'dataset_stats.json';

/** Only an import writes this file, so it marks folders that may be replaced. It is never missing during a replacement. */
export const NOTES = 'import.json';

/** What an import may write, by its path in the folder. */
export const FILES: readonly string[] = [
  STATS,
  ...PARTS.flatMap((part) => LINE_FILES[part].map((name) => `${part}/${name}.txt`)),
  'items.csv',
  'users.csv',
  NOTES,
];
