import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeDataset } from '../src/store/layout.js';
import { readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import { gsas } from './support/command.js';
import { expectMistake } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, flagsOf, TRAINING } from './support/small.js';
import { writeUntrainedRun } from './support/untrained-run.js';

const at = scratchFolder();

describe('bad input is one line that says what is wrong, exit code 2, and nothing is written', () => {
  /** A copy of the dataset with one file changed. */
  const spoil = (name: string, file: string, change: (lines: string[]) => void) => {
    cpSync(at('data'), at(name), { recursive: true });
    const lines = readFileSync(at(name, file), 'utf8').split('\n');
    change(lines);
    writeFileSync(at(name, file), lines.join('\n'));
  };

  beforeAll(() => {
    writeDataset(at('data'), dataset);
    writeUntrainedRun(at('runs/first'), { options: TRAINING, data: at('data') });
    spoil('letters', 'train/input.txt', (lines) => lines.splice(6, 1, '12 x7 9'));
    spoil('range', 'val/input.txt', (lines) => lines.splice(2, 1, '5 241'));
    spoil('short', 'test/output.txt', (lines) => lines.splice(-2, 1));
    spoil('larger', 'dataset_stats.json', (lines) => lines.splice(0, lines.length, '{"num_items": 250}'));
    const best = at('runs/first/best.safetensors');
    writeFileSync(at('torn.safetensors'), readFileSync(best).subarray(0, -100));
    const { tensors, metadata } = readSafetensors(best);
    const withOption = (name: string, option: object) => {
      const config = JSON.stringify({ ...JSON.parse(metadata.config!), ...option });
      writeSafetensors(at(name), tensors, { ...metadata, config });
    };
    withOption('shape.safetensors', { embedding_dim: 32 });
    withOption('deep.safetensors', { num_blocks: 1e6 });
    copyFileSync(best, at('lone.safetensors'));
    copyFileSync('test/fixtures/one_block_unpadded.safetensors', at('fixture.safetensors'));
  });

  const train = (...args: string[]) => ['train', '--data', 'data', '--out', 'never', ...args];
  const recommend = (history: string) => ['recommend', 'runs/first', '--history', history];
  const table = (out: string) => ['recommend', 'runs/first', '--split', 'test', '--out', out];
  const dataOf = (name: string) => ['train', '--data', name, '--out', 'never'];

  it.each<[string, string[], ...(string | RegExp)[]]>([
    ['a missing folder', dataOf('absent'), /there is no folder .*absent/],
    ['a file as folder', dataOf('data/train/input.txt'), 'data/train/input.txt is not a folder'],
    ['a file as folder of runs', ['runs', 'data/items.csv'], 'data/items.csv is not a folder'],
    ['a file as folder of shaders', ['kernels', '--wgsl', 'data/items.csv'], 'data/items.csv is a file'],
    [
      'a table within a file',
      table('data/items.csv/x.csv'),
      /data\/items\.csv\/x\.csv: there is no folder .*items\.csv/,
    ],
    ['an unset variable as folder', dataOf(''), "'--data <folder>'", 'It is empty'],
    ['a malformed line', dataOf('letters'), 'letters/train/input.txt, line 7: "x7"'],
    ['an item out of range', dataOf('range'), 'range/val/input.txt, line 3: "241"', '(240)'],
    ['a target missing', dataOf('short'), 'short/test/output.txt has 199'],
    ['an unknown option', train('--embeding-dim', '8'), "unknown option '--embeding-dim'", '--embedding-dim?'],
    [
      'an unknown preset',
      train('--preset', 'qick'),
      "'qick' is invalid",
      'gsasrec-ml1m, sasrec-ml1m, sasrec-plus, sasrec-plus-3000, quick',
    ],
    ['a value of another kind', train('--embedding-dim', 'many'), '--embedding-dim is "many"', 'an integer'],
    ['a value out of range', train('--dropout-rate', '1'), '--dropout-rate is 1;', 'at least 0 and below 1'],
    ['more blocks than memory holds', train('--num-blocks', '1000000'), '--num-blocks is 1000000', 'at most 128'],
    ['a window beyond all', train('--sequence-length', '1e9'), '--sequence-length is 1000000000', 'at most 65536'],
    ['an embedding beyond all', train('--embedding-dim', '1e9'), '--embedding-dim is 1000000000', 'at most 8192'],
    ['tables beyond all', train('--init-std', '1e30'), '--init-std is 1e+30', 'above 0 and at most 100'],
    ['an option that a terminal would obey', train('--\u001b[2J'), 'unknown option', String.raw`--\u001b[2J`],
    ['values that do not fit', train('--embedding-dim', '15', '--num-heads', '2'), 'is 15', 'num_heads, which is 2'],
    ['options that exclude each other', train('--init-prior', '--reuse-item-embeddings'), 'set one of them to false'],
    ['--resume without --out', ['train', '--data', 'data', '--resume'], '--resume needs --out'],
    ['--resume of no run', ['train', '--resume', '--out', 'never'], 'there is no run never'],
    ['--resume of a folder that holds none', train('--resume'), 'never: nothing to resume'],
    ['--resume with other options', ['train', '--resume', '--out', 'runs/first', '--lr', '1'], 'lr is 0.005', 'but 1'],
    ['--resume on other data', ['train', '--resume', '--out', 'runs/first', '--data', 'larger'], '240', '250'],
    [
      '--out that holds a run',
      ['train', '--data', 'data', '--out', 'runs/first'],
      'runs/first: a run is there already',
    ],
    ['an unknown adapter', train(...flagsOf(TRAINING), '--adapter', 'abacus'), 'no adapter is called "abacus"'],
    ['a folder without a run', ['evaluate', 'data'], 'data: holds no best.safetensors'],
    ['no safetensors file', ['evaluate', 'data/items.csv'], 'data/items.csv: is cut off or no safetensors file'],
    ['a truncated checkpoint', ['evaluate', 'torn.safetensors', '--data', 'data'], 'torn.safetensors: is cut off'],
    [
      'a checkpoint of another shape',
      ['recommend', 'shape.safetensors', '--history', '1'],
      /tensor \S+ is F32 \[242,16\].* \[242,32\]/,
    ],
    ['a checkpoint of a million blocks', ['evaluate', 'deep.safetensors'], 'num_blocks is 1000000', 'at most 128'],
    ['safetensors that are no checkpoint', ['evaluate', 'fixture.safetensors'], 'fixture.safetensors: its metadata'],
    ['a checkpoint whose data is unknown', ['evaluate', 'lone.safetensors'], 'run.json: is missing', '--data DIR'],
    ['data of another catalogue', ['evaluate', 'runs/first', '--data', 'larger'], '240 items', 'larger has 250'],
    ['an unknown split', ['evaluate', 'runs/first', '--split', 'train'], 'val, test'],
    ['more items than top-k holds', [...recommend('1'), '--top', '513'], 'top is 513', '1 to 512'],
    ['an empty history', recommend(' '), '--history is empty'],
    ['no history', ['recommend', 'runs/first'], '--history <items...>', '--split <name>'],
    ['no item asked for', [...recommend('1'), '--top', '0'], 'at least 1'],
    ['titles that are no CSV', [...recommend('1'), '--titles', 'data/train/input.txt'], 'data/train/input.txt, line 1'],
    ['no parity fixture', ['parity', 'runs/first/best.safetensors'], 'no parity fixture'],
    ['a fixture that is no safetensors file', ['parity', 'data/items.csv'], 'data/items.csv: is cut off or no'],
  ])('%s', async (_, args, ...expected) => {
    expectMistake(await gsas(at(), ...args), ...expected);
    expect(existsSync(at('never'))).toBe(false);
  });
});
