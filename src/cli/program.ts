import { Command, CommanderError } from 'commander';
import { GsasError, ShaderError } from '../base/errors.js';
import { printable } from '../base/printable.js';

/** A program with the options that all commands have: `--adapter` and `--verbose`. */
export function newProgram(name: string, description: string): Command {
  return (
    new Command(name)
      .description(description)
      .option(
        '--adapter <name>',
        'GPU adapter: part of its name, lavapipe or swiftshader (default: $GSAS_ADAPTER, else the best)',
      )
      .option('--verbose', 'print the stack trace of an error')
      .configureHelp({ showGlobalOptions: true })
      // Commander throws instead of exiting, and puts its hint ("Did you mean ...?") on the line of the error.
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(`${printable(text.trim())}\n`) })
      // Everything that opens an adapter reads this variable, child processes included, so that nothing has to pass the option on.
      .hook('preAction', (_, command) => {
        const { adapter } = command.optsWithGlobals();
        if (adapter) process.env.GSAS_ADAPTER = adapter;
      })
  );
}

/** Runs the program on this process's arguments. An error ends it with one line on stderr and the error's exit code. */
export async function runProgram(program: Command): Promise<void> {
  /** Prints one line for a person; the stack and a shader's numbered source only with --verbose. */
  function fail(error: unknown): never {
    // Commander has printed its own message. --help and --version end up here too.
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    const known = error instanceof GsasError;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`error: ${printable(known ? message : message.split('\n')[0])}\n`);
    if (program.opts().verbose) {
      if (error instanceof ShaderError) process.stderr.write(`${error.report}\n`);
      if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
    }
    process.exit(known ? error.exitCode : 1);
  }

  process.on('uncaughtException', fail);
  // The reader has closed the pipe (`gsas-wgpu ... | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    error.code === 'EPIPE' ? process.exit(0) : fail(error),
  );
  const group = groupOf(program, process.argv.slice(2));
  if (group) group.outputHelp();
  else await program.parseAsync().catch(fail);
}

/** The command that the arguments name, if it only groups other commands; otherwise undefined. */
function groupOf(program: Command, args: readonly string[]): Command | undefined {
  const named = args.reduce<Command | undefined>(
    (command, arg) => command?.commands.find((other) => other.name() === arg),
    program,
  );
  return named && named.commands.length > 0 ? named : undefined;
}
