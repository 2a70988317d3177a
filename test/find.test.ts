import { describe, expect, it } from 'vitest';
import { type Found, ItemFinder } from '../src/store/find.js';

const titles = new Map([
  [1, 'Toy Story (1995)'],
  [2, 'Toy Story 2 (1999)'],
  [3, 'Matrix, The (1999)'],
  [4, 'Star Wars: Episode IV - A New Hope (1977)'],
  [5, 'Star Wars: Episode V - The Empire Strikes Back (1980)'],
  [6, 'Misérables, Les (1998)'],
  [7, 'Titanic (1997)'],
  [8, 'Titanic (1953)'],
  [9, '2001: A Space Odyssey (1968)'],
  [10, '12'],
  [11, 'Face; Off'],
  [99, 'Beyond the Catalogue'],
]);
const finder = new ItemFinder({ titles, originals: new Map() }, 12);

describe('a title is found', () => {
  it.each<[string, string, Found['kind'], number]>([
    ['as it stands', 'Toy Story (1995)', 'exact', 1],
    ['in another case', 'toy story 2 (1999)', 'exact', 2],
    ['without its year', 'toy story', 'similar', 1],
    ['with its article in front', 'The Matrix', 'similar', 3],
    ['without accents', 'les miserables', 'similar', 6],
    ['by some of its words', 'empire strikes back', 'similar', 5],
    ['by its year, where that decides', 'titanic 1953', 'similar', 8],
    ['with letters swapped', 'toy stroy', 'similar', 1],
    ['with a letter missing', 'matrx', 'similar', 3],
  ])('%s', (_, text, kind, item) => {
    expect(finder.find(text)).toEqual({ kind, item });
  });
});

describe('what is not clear', () => {
  it('is told with its candidates, the shortest title first', () => {
    expect(finder.find('star wars')).toEqual({ kind: 'ambiguous', items: [4, 5] });
    expect(finder.find('titanic')).toEqual({ kind: 'ambiguous', items: [7, 8] });
  });

  it('is unknown where words of a part of the title are wrong, with the title that it resembles', () => {
    expect(finder.find('empire strikse back')).toEqual({ kind: 'unknown', nearest: [5] });
  });

  it.each(['Casablanca', '99', '0', '#0', '#99', 'beyond the catalogue', '???', ''])('is unknown: %j', (text) => {
    expect(finder.find(text)).toEqual({ kind: 'unknown', nearest: [] });
  });
});

describe('ids', () => {
  it('are the numbers of the items where they have no others', () => {
    expect(finder.find('12')).toEqual({ kind: 'exact', item: 12 });
    expect(finder.find('#12')).toEqual({ kind: 'exact', item: 12 });
    expect(finder.describe(12)).toBe('12');
    expect(finder.describe(3)).toBe('3 "Matrix, The (1999)"');
  });

  it('are those of the log where they have some, and the numbers with a # before them', () => {
    const originals = new Map([
      [1, '85123A'],
      [2, '1'],
    ]);
    const retail = new ItemFinder({ titles: new Map([[1, 'WHITE HEART']]), originals }, 2);
    expect(retail.find('85123A')).toEqual({ kind: 'exact', item: 1 });
    expect(retail.find('1')).toEqual({ kind: 'exact', item: 2 });
    expect(retail.find('#1')).toEqual({ kind: 'exact', item: 1 });
    expect(retail.find('2')).toEqual({ kind: 'unknown', nearest: [] });
    expect(retail.describe(1)).toBe('85123A "WHITE HEART"');
    expect(retail.split('85123A, 1 XX')).toEqual(['85123A', '1', 'XX']);
    expect(retail.split('white heart')).toEqual(['white heart']);
  });
});

describe('a list', () => {
  it('is of ids by spaces or commas, of titles by semicolons or lines', () => {
    expect(finder.split('1 2,3, #4')).toEqual(['1', '2', '3', '#4']);
    expect(finder.split('toy story; Matrix, The (1999);')).toEqual(['toy story', 'Matrix, The (1999)']);
    expect(finder.split('1 2\ntitanic 1953\r\n\n')).toEqual(['1', '2', 'titanic 1953']);
    expect(finder.split('Face; Off')).toEqual(['Face; Off']);
    expect(finder.split(' ')).toEqual([]);
  });
});

describe('for someone who is typing', () => {
  const names = {
    titles: new Map([
      [1, 'Star Maker, The (1991)'],
      [2, 'Stargate (1994)'],
      [3, 'Star Wars: Episode IV - A New Hope (1977)'],
      [4, 'Star Trek: First Contact (1996)'],
      [5, 'Lone Star (1996)'],
      [6, 'Star (1998)'],
      [7, 'Superstar (1999)'],
      [8, 'Rising Stars (1990)'],
    ]),
    originals: new Map([[9, 'Star-9']]),
  };
  const counts = new Map([10, 400, 2991, 700, 300, 1, 5, 9000, 1, 50].map((count, i) => [i + 1, count]));
  const search = (text: string, limit = 50) => new ItemFinder({ ...names, counts }, 10).search(text, limit);

  it('the better match comes first, then the more popular item', () => {
    expect(search('star')).toEqual([6, 3, 4, 2, 1, 5, 8, 9]);
    expect(search('STAR W')).toEqual([3]);
    expect(search('wars star')).toEqual([3]);
    expect(search('star', 2)).toEqual([6, 3]);
  });

  it('short titles come first where popularity is unknown', () => {
    expect(new ItemFinder(names, 10).search('star', 50)).toEqual([6, 2, 1, 4, 3, 5, 8, 9]);
  });

  it('items without a title are found by the beginning of their id', () => {
    expect(search('star-')).toContain(9);
    expect(search('10')).toEqual([10]);
    expect(search('#4')[0]).toBe(4);
    expect(new ItemFinder({ titles: new Map(), originals: new Map() }, 130).search('12', 9)).toEqual([
      12, 120, 121, 122, 123, 124, 125, 126, 127,
    ]);
  });

  it('what is popular comes before anything is typed, and similar titles after a mistake', () => {
    expect(search(' ', 3)).toEqual([8, 3, 4]);
    expect(search('stargaet')[0]).toBe(2);
    expect(search('xyzzy')).toEqual([]);
  });
});
