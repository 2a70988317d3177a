import { InputError } from '../../base/errors.js';

/**
 * Reads a pickle without running anything. A pickle is a program for a stack machine (Python's pickletools lists its instructions). This one has only the
 * instructions that build dicts, lists, numbers, texts and tensors. It calls the functions that the caller names and nothing else, so a file can do
 * nothing but build values.
 */
export interface PickleWorld {
  /** The functions that may be called, by "module.name". */
  readonly functions: ReadonlyMap<string, (args: readonly Pickled[]) => Pickled>;
  /** Types that may be named but not called. */
  isType(name: string): boolean;
  /** What a persistent id stands for. */
  persistent(id: Pickled): Pickled;
}

/** A Python value. Tuples are arrays, dicts are maps; `Global` is a name from a module; other objects are the caller's. */
export type Pickled = null | boolean | number | string | object;

/** A function or type that a pickle names. */
export class Global {
  constructor(readonly name: string) {}
}

/** The least bytes that a list or dict takes in a pickle: a tensor's 60 bytes hold three lists and a dict. */
const LIST_BYTES = 8;
const DICT_BYTES = 32;
/** For the smallest pickles. */
const SPARE = 1024;

const STOP = '.'.charCodeAt(0);
const MARK = Symbol('mark');
type Item = Pickled | typeof MARK;

/**
 * The value that a pickle describes.
 * @param source names the pickle's file in errors
 * @throws InputError that names an instruction or a global that no state dict needs
 */
export function unpickle(bytes: Buffer, world: PickleWorld, source: string): Pickled {
  try {
    return new Machine(bytes, world, source).run();
  } catch (error) {
    // Reading behind the end of the bytes.
    if (error instanceof RangeError) throw new InputError(`${source}: its pickle breaks off`, { cause: error });
    throw error;
  }
}

class Machine {
  /** By opcode. */
  static readonly #instructions: Readonly<Record<string, (machine: Machine) => void>> = {
    '\x80': (m) => m.#number(1), // PROTO
    '(': (m) => m.#stack.push(MARK),
    ')': (m) => m.#hold([]), // EMPTY_TUPLE
    ']': (m) => m.#hold([]), // EMPTY_LIST
    '}': (m) => m.#hold(new Map()), // EMPTY_DICT
    t: (m) => m.#hold(m.#popToMark()), // TUPLE
    '\x85': (m) => m.#hold(m.#popMany(1)), // TUPLE1
    '\x86': (m) => m.#hold(m.#popMany(2)), // TUPLE2
    '\x87': (m) => m.#hold(m.#popMany(3)), // TUPLE3
    N: (m) => m.#push(null), // NONE
    '\x88': (m) => m.#push(true), // NEWTRUE
    '\x89': (m) => m.#push(false), // NEWFALSE
    K: (m) => m.#push(m.#number(1)), // BININT1
    M: (m) => m.#push(m.#number(2)), // BININT2
    J: (m) => m.#push(m.#number(4) | 0), // BININT
    '\x8a': (m) => m.#push(m.#long()), // LONG1
    G: (m) => m.#push(m.#double()), // BINFLOAT
    X: (m) => m.#push(m.#text(m.#number(4))), // BINUNICODE
    q: (m) => m.#memo.set(m.#number(1), m.#top()), // BINPUT
    r: (m) => m.#memo.set(m.#number(4), m.#top()), // LONG_BINPUT
    h: (m) => m.#push(m.#recall(m.#number(1))), // BINGET
    j: (m) => m.#push(m.#recall(m.#number(4))), // LONG_BINGET
    c: (m) => m.#push(m.#global()), // GLOBAL
    R: (m) => m.#call(), // REDUCE
    Q: (m) => m.#push(m.world.persistent(m.#pop())), // BINPERSID
    s: (m) => m.#fill(m.#popMany(2)), // SETITEM
    u: (m) => m.#fill(m.#popToMark()), // SETITEMS
    a: (m) => m.#extend(m.#popMany(1)), // APPEND
    e: (m) => m.#extend(m.#popToMark()), // APPENDS
    b: (m) => m.#pop(), // BUILD: an OrderedDict's attributes, torch's _metadata of versions, which is not needed
  };

  readonly #stack: Item[] = [];
  readonly #memo = new Map<number, Pickled>();
  #at = 0;
  /** Bytes of the pickle that its collections have not used up. */
  #spare: number;

  constructor(
    readonly bytes: Buffer,
    readonly world: PickleWorld,
    readonly source: string,
  ) {
    this.#spare = bytes.length + SPARE;
  }

  run(): Pickled {
    for (;;) {
      const code = this.#number(1);
      if (code === STOP) return this.#pop();
      const instruction = Machine.#instructions[String.fromCharCode(code)];
      if (instruction === undefined) throw this.#wrong(`has the pickle instruction 0x${code.toString(16)}`);
      instruction(this);
    }
  }

  #push(value: Pickled): void {
    this.#stack.push(value);
  }

  /** A new collection, which takes far more memory than the byte that makes it. */
  #hold(value: Pickled[] | Map<Pickled, Pickled>): void {
    this.#spare -= Array.isArray(value) ? LIST_BYTES : DICT_BYTES;
    if (this.#spare < 0) throw this.#wrong('makes more lists and dicts than its bytes describe');
    this.#push(value);
  }

  #pop(): Pickled {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.#damaged();
    return value as Pickled;
  }

  #top(): Pickled {
    const value = this.#pop();
    this.#push(value);
    return value;
  }

  #popMany(count: number): Pickled[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popToMark(): Pickled[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.#damaged();
    return this.#stack.splice(mark).slice(1) as Pickled[];
  }

  /** An unsigned little-endian number. */
  #number(length: 1 | 2 | 4): number {
    this.#at += length;
    return this.bytes.readUIntLE(this.#at - length, length);
  }

  /** Two's complement in as many bytes as given. No size or count needs more than 6. */
  #long(): number {
    const length = this.#number(1);
    if (length > 6) throw this.#wrong(`has a number of ${length} bytes`);
    this.#at += length;
    return length === 0 ? 0 : this.bytes.readIntLE(this.#at - length, length);
  }

  #double(): number {
    this.#at += 8;
    return this.bytes.readDoubleBE(this.#at - 8);
  }

  #text(length: number): string {
    if (this.#at + length > this.bytes.length) throw this.#damaged();
    this.#at += length;
    return this.bytes.toString('utf8', this.#at - length, this.#at);
  }

  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#damaged();
    const line = this.#text(end - this.#at);
    this.#at++;
    return line;
  }

  #recall(index: number): Pickled {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#damaged();
    return value;
  }

  #global(): Global {
    const name = `${this.#line()}.${this.#line()}`;
    if (this.world.functions.has(name) || this.world.isType(name)) return new Global(name);
    throw this.#wrong(`names ${JSON.stringify(name)}`);
  }

  #call(): void {
    const [callee, args] = this.#popMany(2);
    const called = callee instanceof Global ? this.world.functions.get(callee.name) : undefined;
    if (called === undefined || !Array.isArray(args)) throw this.#wrong('calls what is no function');
    const value = called(args);
    if (value instanceof Map) this.#hold(value);
    else this.#push(value);
  }

  #fill(pairs: Pickled[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || pairs.length % 2 !== 0) throw this.#damaged();
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  #extend(values: Pickled[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#damaged();
    for (const value of values) list.push(value);
  }

  #wrong(what: string): InputError {
    return new InputError(
      `${this.source}: its pickle ${what}, which no state dict does; nothing of it was run; save model.state_dict() with torch.save`,
    );
  }

  #damaged(): InputError {
    return new InputError(`${this.source}: its pickle is damaged near byte ${this.#at}`);
  }
}
