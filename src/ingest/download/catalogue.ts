import type { ImportOptions } from '../options.js';

/** A public dataset: its address, its digest, and how to read it. */
export interface PublicDataset {
  readonly about: string;
  readonly url: string;
  /** Algorithm and hexadecimal digest of the file at `url`. */
  readonly digest: readonly ['md5' | 'sha256', string];
  /** Members of the zip at `url`; if left out, that file itself is the log. */
  readonly log?: string;
  readonly titles?: string;
  /** How to read and split it; names in `titles` are columns of that member. */
  readonly options: Omit<ImportOptions, 'files' | 'out'>;
  readonly titleOptions?: Omit<NonNullable<ImportOptions['titles']>, 'file'>;
}

/** The columns of ratings without a header: user, item, rating, time. */
const NUMBERED = { userCol: '1', itemCol: '2', timeCol: '4' };

/** Titles without a header, as GroupLens' early archives have them. */
const NUMBERED_TITLES = { idCol: '1', titleCol: '2', encoding: 'latin-1' };

/**
 * MovieLens archives have the MD5 that GroupLens publishes beside each (`ml-1m.zip.md5`). The texts have no published digest: the one for ML-1M is of
 * SASRec's data/ml-1m.txt, which gives the official split byte for byte; the one for Beauty is of the file with the published counts.
 */
export const PUBLIC_DATASETS: Readonly<Record<string, PublicDataset>> = {
  'ml-1m': {
    about: "MovieLens-1M as SASRec and the official gSASRec code use it, with the paper's 512 validation users",
    url: 'https://raw.githubusercontent.com/asash/ml1m-sas-mapping/main/ml-1m_sas.txt',
    digest: ['sha256', 'b725f3acb3986fe3130bffd1e77a74d182a1f51799567a236dbd60270f95b0a2'],
    options: { valUsers: 512 },
  },
  'ml-1m-ratings': {
    about: "MovieLens-1M from GroupLens' ratings, with times and titles, users and items of 5 ratings and more",
    ...movielens('ml-1m', 'c4d9eecfca2ab87c1945afe126590906', NUMBERED),
    log: 'ml-1m/ratings.dat',
    titles: 'ml-1m/movies.dat',
    titleOptions: NUMBERED_TITLES,
  },
  'ml-100k': {
    about: 'MovieLens-100K, users and items of 5 ratings and more',
    ...movielens('ml-100k', '0e33842e24a9c977be4e0107933c0723', NUMBERED),
    log: 'ml-100k/u.data',
    titles: 'ml-100k/u.item',
    titleOptions: NUMBERED_TITLES,
  },
  'ml-20m': {
    about: 'MovieLens-20M, users and items of 5 ratings and more',
    ...movielens('ml-20m', 'cd245b17a1ae2cc31bb14903e1204af3'),
    log: 'ml-20m/ratings.csv',
    titles: 'ml-20m/movies.csv',
  },
  beauty: {
    about: 'Amazon Beauty as BERT4Rec uses it',
    url: 'https://raw.githubusercontent.com/FeiSun/BERT4Rec/master/data/beauty.txt',
    digest: ['sha256', 'f480b7a7403852342ffd8f9809bb30697dd669be31813d0e204b698fec86ef49'],
    options: { valUsers: 2048 },
  },
};

function movielens(name: string, md5: string, columns: Partial<ImportOptions> = {}) {
  const core = { minUserInteractions: 5, minItemInteractions: 5 };
  return {
    url: `https://files.grouplens.org/datasets/movielens/${name}.zip`,
    digest: ['md5', md5] as const,
    options: { ...core, ...columns, valUsers: 512 },
  };
}
