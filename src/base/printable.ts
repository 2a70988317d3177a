/**
 * Characters that a terminal obeys or that reorder text: control characters (Unicode category Cc), line and paragraph separators, and the marks
 * of bidirectional text (Unicode Standard Annex 9, section 2; "Trojan Source", Boucher and Anderson 2021).
 */
const ACTIVE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const BREAK = /[\n\r]+/g;

/** Text from outside, safe to print on one line: line breaks become spaces, control characters their escapes, such as `\u001b`. JSON stays the same JSON. */
export function printable(text: string): string {
  const line = text.replace(BREAK, ' ');
  return line.replace(ACTIVE, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Text cut in the middle if it is longer than `most` characters: the subject comes first in a message, and the advice last. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, Math.ceil(most / 2))} … ${text.slice(-Math.floor(most / 2))}`;
}

const MOST_QUOTED = 200;

/** A value as an error quotes it: as JSON if it can be, and short. */
export function quoted(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  try {
    return shortened(JSON.stringify(value) ?? typeof value, MOST_QUOTED);
  } catch {
    return Array.isArray(value) ? 'a list' : 'an object'; // a circular value, a bigint, or too many levels
  }
}
