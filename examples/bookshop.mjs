// A small lending library to try things on: 44 books in series, which readers mostly take in order, staying on a shelf for a while.

const SHELVES = [
  [
    ['A Wizard of Earthsea', 'The Tombs of Atuan', 'The Farthest Shore', 'Tehanu'],
    ['The Hobbit', 'The Fellowship of the Ring', 'The Two Towers', 'The Return of the King'],
    ['The Lion, the Witch and the Wardrobe', 'Prince Caspian', 'The Voyage of the Dawn Treader', 'The Silver Chair'],
    ['Northern Lights', 'The Subtle Knife', 'The Amber Spyglass'],
  ],
  [
    ['Dune', 'Dune Messiah', 'Children of Dune', 'God Emperor of Dune'],
    ['Foundation', 'Foundation and Empire', 'Second Foundation'],
    ['The Three-Body Problem', 'The Dark Forest', "Death's End"],
    [
      "The Hitchhiker's Guide to the Galaxy",
      'The Restaurant at the End of the Universe',
      'Life, the Universe and Everything',
      'So Long, and Thanks for All the Fish',
    ],
  ],
  [
    ['A Study in Scarlet', 'The Sign of the Four', 'The Hound of the Baskervilles', 'The Valley of Fear'],
    ['The Big Sleep', 'Farewell, My Lovely', 'The High Window', 'The Long Goodbye'],
    ['The Talented Mr. Ripley', 'Ripley Under Ground', "Ripley's Game"],
    ['Call for the Dead', 'A Murder of Quality', 'The Spy Who Came In from the Cold', 'Tinker Tailor Soldier Spy'],
  ],
];

/** Random numbers from 0 to 1, the same ones every time (mulberry32). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What `readers` readers borrowed in a year, as the text of a CSV file: reader, book and day. */
export function loans(readers = 1000) {
  const random = randomNumbers(7);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const lines = ['reader,book,lent'];
  for (let reader = 1; reader <= readers; reader++) {
    const unread = SHELVES.map((shelf) => [...shelf]);
    let day = Date.UTC(2024, 0, 1);
    let shelf = pick(unread);
    for (let series = 0; series < 4; series++) {
      if (random() < 0.3) shelf = pick(unread);
      if (shelf.length === 0) continue;
      const [books] = shelf.splice(Math.floor(random() * shelf.length), 1);
      for (const book of books) {
        day += Math.ceil(random() * 20) * 86400e3;
        lines.push(`reader-${reader},"${book}",${new Date(day).toISOString().slice(0, 10)}`);
        if (random() < 0.15) break; // not to everybody's taste
      }
    }
  }
  return `${lines.join('\n')}\n`;
}
