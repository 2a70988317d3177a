import { printable, shortened } from './printable.js';

/** A longer message would quote a whole file. */
const MOST_CHARACTERS = 2000;

/**
 * Every error that this package throws on purpose. The message is one line for a person: what was wrong, where, what to do. It may quote
 * names and values from files and requests, so control characters in it are escaped.
 * `exitCode` is what the command line exits with: 2 for a mistake in the input or usage, 1 for a failure.
 */
export class GsasError extends Error {
  readonly exitCode: 1 | 2 = 1;

  constructor(message: string, options?: ErrorOptions) {
    super(shortened(printable(message), MOST_CHARACTERS), options);
    this.name = new.target.name;
  }
}

/** Bad input or usage: a malformed file, an unknown option, a checkpoint of another shape. */
export class InputError extends GsasError {
  override readonly exitCode = 2;
}

/** A file that is damaged: cut off, or with other bits than were written. */
export class DamagedFileError extends InputError {}

/** Operands whose shapes do not fit together; the message names both operands and the axis. */
export class ShapeError extends GsasError {}

/** A shader that does not compile. `source` is the generated WGSL, `report` the same, numbered, with the compiler's messages. */
export class ShaderError extends GsasError {
  constructor(
    message: string,
    readonly source: string,
    readonly report: string,
  ) {
    super(message);
  }
}

/** An adapter that is missing or offers less than what was asked of it, or a GPU call that failed validation. */
export class DeviceError extends GsasError {}

/** The device could not give the memory that was asked for. */
export class OutOfMemoryError extends DeviceError {
  /**
   * @param what how much was asked for, and what there is
   * @param advice what to do, a clause
   */
  constructor(
    private readonly what: string,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(`${what}; ${advice}`, options);
  }

  /** The same error, by code that knows better what helps. */
  advising(advice: string): OutOfMemoryError {
    return new OutOfMemoryError(this.what, advice, { cause: this });
  }
}

/** The device went away (driver reset, removed, destroyed) while work was under way. */
export class DeviceLostError extends DeviceError {}
