import { type Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { addCommands } from '../src/cli/commands.js';
import { newProgram } from '../src/cli/program.js';
import { anyText, fuzz, lineOf } from './support/fuzz.js';

/** Thrown in place of a command's work: its arguments were accepted. */
class Taken extends Error {}

let program: Command;
let printed: string;
let names: string[];
let flags: string[];

beforeAll(async () => {
  program = newProgram('gsas-wgpu', '');
  await addCommands(program, []);
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  const commands = all(program);
  names = commands
    .slice(1)
    .map((command) => command.name())
    .filter((name) => name !== 'complete' && name !== 'completion');
  flags = [
    ...new Set(
      commands.flatMap((command) =>
        command.options.flatMap(({ long, short }) => [long, short]).filter((flag) => flag != null),
      ),
    ),
  ];
  for (const command of commands) {
    command
      .exitOverride()
      .configureOutput({ ...command.configureOutput(), writeErr: (text) => (printed += text), writeOut: () => {} });
    command.hook('preAction', () => {
      throw new Taken();
    });
  }
});

describe('a command line', () => {
  it('of any words is taken, or refused in one line with exit code 2', async () => {
    const word = fc.oneof(
      fc.constant(0).chain(() => fc.constantFrom(...names)),
      fc.constant(0).chain(() => fc.constantFrom(...flags)),
      fc
        .tuple(
          fc.constant(0).chain(() => fc.constantFrom(...flags)),
          anyText,
        )
        .map(([flag, value]) => `${flag}=${value}`),
      fc.constantFrom(
        '--',
        '-',
        '',
        '1',
        '0',
        '-1',
        'best',
        'last',
        'val',
        'none',
        'true',
        'runs/a',
        '/dev/null',
        '@x',
        '--no-report',
        '-h',
        '--help',
        'help',
      ),
      anyText,
    );
    const line = fc.tuple(
      fc.oneof(
        fc.constant(0).chain(() => fc.constantFrom(...names)),
        word,
      ),
      fc.array(word, { maxLength: 6 }),
    );
    const adapter = process.env.GSAS_ADAPTER; // --adapter sets it
    let taken = 0;
    await fuzz(line, async ([first, rest]) => {
      printed = '';
      try {
        await program.parseAsync([first, ...rest], { from: 'user' });
      } catch (error) {
        if (error instanceof Taken) return void taken++;
        if (!(error instanceof CommanderError)) return void lineOf(error);
        if (error.exitCode === 0 || error.code === 'commander.help') return;
        expect(printed).toMatch(/^error: [^\p{Cc}]+\n$/u);
      }
    });
    expect(taken).toBeGreaterThan(0);
    if (adapter === undefined) delete process.env.GSAS_ADAPTER;
    else process.env.GSAS_ADAPTER = adapter;
  });
});
