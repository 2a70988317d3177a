import { type Command, InvalidArgumentError } from 'commander';
import { readTitles } from '../data/titles.js';
import { Stream } from '../engine/stream.js';
import { GSASRec } from '../model/gsasrec.js';
import { openGpu } from '../node/gpu.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import { recommend } from '../train/recommend.js';
import { parsePath } from './arguments.js';

interface Flags {
  history: number[];
  top: number;
  titles?: string;
  keepSeen?: true;
  json?: true;
}

export function addRecommend(program: Command): void {
  program
    .command('recommend')
    .description('the items that a model expects next after a history')
    .argument('<run>', 'folder of a run, or a checkpoint file')
    .requiredOption('--history <ids>', 'item ids, oldest first, separated by spaces or commas', parseHistory)
    .option('--top <count>', 'how many items', parseCount, 10)
    .option('--titles <file>', 'CSV with the columns id and title, to print titles', parsePath)
    .option('--keep-seen', 'do not leave out the items of the history')
    .option('--json', 'one JSON object an item')
    .action(runRecommend);
}

async function runRecommend(run: string, flags: Flags): Promise<void> {
  const { config, weights } = loadCheckpoint(run);
  const titles = flags.titles === undefined ? undefined : readTitles(flags.titles);
  const gpu = await openGpu();
  try {
    const model = new GSASRec(new Stream(gpu), config, weights);
    const options = { top: flags.top, filterRated: !flags.keepSeen };
    const [found] = await recommend(model, [flags.history], options);
    if (found!.length === 0)
      process.stderr.write('no item is left to recommend; --keep-seen ranks those of the history too\n');
    found!.forEach(({ item, score }, i) => {
      const title = titles && (titles.get(item) ?? 'no title');
      if (flags.json) console.log(JSON.stringify({ rank: i + 1, item, score, ...(title && { title }) }));
      else
        console.log(
          [String(i + 1).padStart(4), String(item).padStart(8), score.toFixed(4).padStart(9), title ?? '']
            .join('  ')
            .trimEnd(),
        );
    });
  } finally {
    gpu.close();
  }
}

function parseHistory(text: string): number[] {
  return text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((word) => {
      if (!/^\d+$/.test(word)) throw new InvalidArgumentError(`"${word}" is no item id.`);
      return Number(word);
    });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return Number(text);
}
