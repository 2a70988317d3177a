import { isUtf8 } from 'node:buffer';
import { InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { blocks, lineBlocks, NEWLINE, RETURN } from './bytes.js';
import { lineAt } from './locate.js';

/** UTF-8 line by line or, if a line is not UTF-8, Windows-1252. Concatenated logs of several programs look like this. */
const MIXED = 'mixed';

/** Windows-1252 at 0x80 to 0x9f; everything else is Latin-1. Some releases of Node 20 to 23 decode it all as Latin-1. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Of the runs of bytes above ASCII, the most that may be long in a text of the Latin alphabet. */
const MOST_LONG_RUNS = 0.1;
const LONG_RUN = 3;

/** A text's encoding, and whether it must be rewritten as UTF-8 with one kind of line end. */
export interface TextForm {
  /** A name of the WHATWG's Encoding Standard, or `mixed`. */
  readonly encoding: string;
  readonly rewrite: boolean;
  /** What was guessed, in words. */
  readonly note?: string;
}

export function encodingInWords(encoding: string): string {
  return encoding === MIXED ? 'UTF-8 or else Windows-1252 by line' : encoding.toUpperCase();
}

/** The standard name of an encoding. @throws InputError if there is none */
export function encodingNamed(label: string): string {
  if (label === MIXED) return MIXED;
  try {
    return new TextDecoder(label === 'latin-1' ? 'latin1' : label).encoding;
  } catch (error) {
    throw new InputError(
      `--encoding ${quoted(label)} is not known; there are utf-8, windows-1252 (latin-1), utf-16le, mixed, shift_jis, gbk and the other names of the Encoding Standard`,
      { cause: error },
    );
  }
}

/**
 * Detects a text's encoding, if it is not given, and its line ends.
 * @param file for errors
 * @param start the first bytes
 * @throws InputError if it is not text, not in the given encoding, or in none that its bytes show
 */
export function findForm(file: string, path: string, start: Buffer, said: string | undefined): TextForm {
  const wide = said === undefined ? wideEncoding(start) : undefined;
  if (wide)
    return { encoding: wide, rewrite: true, note: `${file}: read as ${wide.toUpperCase()}, by its first bytes` };
  const encoding = said && encodingNamed(said);
  if (encoding?.startsWith('utf-16')) return { encoding, rewrite: true };
  const { utf8, zero, evenLines } = examine(path);
  if (zero !== undefined) throw zeroByte(file, lineAt(path, zero));
  if (encoding !== undefined && encoding !== 'utf-8') return { encoding, rewrite: true };
  if (utf8) return { encoding: 'utf-8', rewrite: !evenLines };
  return singleByte(file, path, encoding);
}

function zeroByte(file: string, line: number): InputError {
  return new InputError(`${file}, line ${line} holds a zero byte, so it is not text; see what made the file`);
}

/** A text in UTF-8 with line feeds. @throws InputError if it is not in that encoding */
export function* decoded(file: string, path: string, encoding: string): Generator<string> {
  let line = 1;
  let held = '';
  for (const text of decodedBlocks(path, encoding)) {
    if (text === undefined)
      throw new InputError(`${file}, line ${line} or after it is not ${encoding}; name another --encoding`);
    const whole = held + text;
    const zero = text.indexOf('\0');
    if (zero >= 0) throw zeroByte(file, line + text.slice(0, zero).split('\n').length - 1);
    // A carriage return at the end may be half of a line end.
    held = whole.endsWith('\r') ? '\r' : '';
    const lines = whole.slice(0, whole.length - held.length).replace(/\r\n?/g, '\n');
    line += lines.split('\n').length - 1;
    yield lines;
  }
  if (held) yield '\n';
}

/** Undefined stands for bytes that are not in the encoding. */
function* decodedBlocks(path: string, encoding: string): Generator<string | undefined> {
  if (encoding === 'windows-1252') {
    for (const block of blocks(path)) yield windows1252(block);
  } else if (encoding === MIXED) {
    for (const block of lineBlocks(path)) {
      if (isUtf8(block)) yield block.toString();
      else for (const line of linesOf(block)) yield isUtf8(line) ? line.toString() : windows1252(line);
    }
  } else {
    const decoder = new TextDecoder(encoding, { fatal: true });
    const attempt = (block?: Buffer) => {
      try {
        return decoder.decode(block, { stream: block !== undefined });
      } catch {
        return undefined;
      }
    };
    for (const block of blocks(path)) yield attempt(block);
    yield attempt();
  }
}

function windows1252(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\x80-\x9f]/g, (control) => WINDOWS_1252[control.charCodeAt(0) - 0x80]);
}

/** UTF-16 by its mark, or by the zero bytes of ASCII characters, which are at odd places in little-endian and at even ones in big-endian. */
function wideEncoding(start: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le';
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be';
  const zeros = [0, 0];
  for (const [at, byte] of start.subarray(0, 1024).entries()) if (byte === 0) zeros[at % 2]++;
  const many = Math.min(start.length, 1024) / 8;
  if (zeros[1] > many && zeros[0] === 0) return 'utf-16le';
  if (zeros[0] > many && zeros[1] === 0) return 'utf-16be';
  return undefined;
}

/** `zero` is the place of the first zero byte; `evenLines` says that all lines have the same end, LF or CRLF. */
function examine(path: string): { utf8: boolean; zero: number | undefined; evenLines: boolean } {
  let utf8 = true;
  let zero: number | undefined;
  let passed = 0;
  const ends = { lf: false, crlf: false, cr: false };
  for (const block of lineBlocks(path)) {
    utf8 &&= isUtf8(block);
    const at = zero === undefined ? block.indexOf(0) : -1;
    if (at >= 0) zero = passed + at;
    countEnds(block, ends);
    passed += block.length;
  }
  return { utf8, zero, evenLines: !ends.cr && !(ends.lf && ends.crlf) };
}

function countEnds(block: Buffer, ends: { lf: boolean; crlf: boolean; cr: boolean }): void {
  if (!block.includes(RETURN)) {
    ends.lf ||= block.includes(NEWLINE);
    return;
  }
  for (let at = block.indexOf(RETURN); at >= 0; at = block.indexOf(RETURN, at + 1)) {
    if (block[at + 1] === NEWLINE) ends.crlf = true;
    else ends.cr = true;
  }
  for (let at = block.indexOf(NEWLINE); at >= 0 && !ends.lf; at = block.indexOf(NEWLINE, at + 1))
    ends.lf = block[at - 1] !== RETURN;
}

/** Of a text that is not UTF-8. */
function singleByte(file: string, path: string, said: string | undefined): TextForm {
  let line = 0;
  let utf8Line: number | undefined;
  let other: { line: number; text: string } | undefined;
  let defined = true;
  let runs = 0;
  let longRuns = 0;
  for (const block of lineBlocks(path)) {
    for (const bytes of linesOf(block)) {
      line++;
      const high = bytes.toString('latin1').match(/[\x80-\xff]+/g);
      if (!high) continue;
      if (isUtf8(bytes)) utf8Line ??= line;
      else other ??= { line, text: windows1252(bytes).trim().slice(0, 80) };
      defined &&= !high.some((run) => /[\x81\x8d\x8f\x90\x9d]/.test(run));
      runs += high.length;
      longRuns += high.filter((run) => run.length >= LONG_RUN).length;
    }
  }
  const where = `${file}, line ${other!.line}: ${quoted(other!.text)}`;
  if (said !== undefined)
    throw new InputError(`${where} is not UTF-8; convert the file, or leave out --encoding to have it found out`);
  if (utf8Line !== undefined)
    throw new InputError(
      `${where} is not UTF-8, but line ${utf8Line} is; say --encoding mixed to read each line as what it is, UTF-8 or Windows-1252 (latin-1)`,
    );
  if (!defined || longRuns > MOST_LONG_RUNS * runs)
    throw new InputError(
      `${where} is not UTF-8 nor likely Windows-1252 (latin-1); name its --encoding, such as windows-1251, shift_jis or gbk`,
    );
  return {
    encoding: 'windows-1252',
    rewrite: true,
    note: `${where} is not UTF-8, so the file is read as Windows-1252; another --encoding says otherwise`,
  };
}

/** The lines in a block, with their ends. */
function* linesOf(block: Buffer): Generator<Buffer> {
  for (let at = 0; at < block.length; ) {
    const end = block.indexOf(NEWLINE, at) + 1 || block.length;
    yield block.subarray(at, end);
    at = end;
  }
}
