import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Command, Option } from 'commander';
import { GsasError } from '../../src/base/errors.js';
import { initialParameters } from '../../src/model/parameters.js';
import { openAdapter } from '../../src/node/adapter.js';
import { saveWeights } from '../../src/store/checkpoint.js';
import { parseCount, parseSeconds } from '../common/options.js';
import { type Measurement, saveResults } from '../common/results.js';
import { ROOT, settingOf, settingText } from '../common/setting.js';
import { quantile, summarise } from '../common/statistics.js';
import { digits, tableLines } from '../common/table.js';
import { load } from '../serve/load.js';
import { drawRows } from '../step/rows.js';
import { LENGTHS, SHAPES, type ShapeName } from '../step/shapes.js';
import { configOf } from '../step/weights.js';

interface Flags {
  shape: ShapeName;
  clients: number[];
  seconds: number;
  top: number;
  json?: true;
  save?: true;
}

interface ServeRow extends Measurement {
  bench: 'serve';
  impl: 'gsas';
  clients: number;
  p99_ms: number;
  requests_per_second: number;
}

const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const HISTORIES = 500;

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('requests a second and their latency, of `gsas-wgpu serve` with clients on this machine')
    .addOption(new Option('--shape <name>', 'model and histories').choices(Object.keys(SHAPES)).default('ml1m'))
    .option('--clients <counts>', 'how many at once, in turn', (text) => text.split(',').map(parseCount), [1, 16, 64])
    .option('--seconds <seconds>', 'for each', parseSeconds, 10)
    .option('--top <count>', 'items asked for', parseCount, 10)
    .option('--json', 'one JSON object a line')
    .option('--save', 'keep the times in bench/results/ADAPTER.json')
    .action(runServe);
}

async function runServe({ shape: name, clients, seconds, top, json, save }: Flags): Promise<void> {
  const setting = settingOf(await openAdapter());
  const { items, sequence_length, embedding_dim, blocks, heads } = SHAPES[name];
  const shape = `${name} S=${sequence_length} D=${embedding_dim} N=${items} blocks=${blocks} H=${heads} top=${top}`;
  const rows = drawRows(LENGTHS[name], HISTORIES, items, sequence_length);
  const bodies = rows.map((history) => JSON.stringify({ history, top }));
  const folder = mkdtempSync(join(tmpdir(), 'gsas-bench-'));
  let server: ChildProcess | undefined;
  try {
    const config = configOf(SHAPES[name]);
    const file = join(folder, 'model.safetensors');
    saveWeights(file, { config, step: 0, epoch: 0, metrics: {}, weights: initialParameters(config, { seed: 1 }) });
    const { process, address } = await startServer(file);
    server = process;
    await load(address, 1, Math.min(1, seconds), bodies);
    const measured: ServeRow[] = [];
    for (const count of clients) {
      const { times, seconds: taken } = await load(address, count, seconds, bodies);
      const { median, p10, p90 } = summarise(times);
      measured.push({
        bench: 'serve',
        impl: 'gsas',
        shape: `${shape} clients=${count}`,
        clients: count,
        median_ms: median,
        p10_ms: p10,
        p90_ms: p90,
        p99_ms: quantile(times, 0.99),
        requests_per_second: times.length / taken,
      });
    }
    if (json) for (const row of measured) console.log(JSON.stringify({ ...row, ...setting }));
    else {
      console.log(`${settingText(setting)}\n${shape}`);
      const cells = measured.map((row) =>
        [row.clients, row.requests_per_second, row.median_ms, row.p90_ms, row.p99_ms].map(digits),
      );
      console.log(tableLines(['clients', 'requests/s', 'median ms', 'p90', 'p99'], cells).join('\n'));
    }
    if (save) console.error(`kept in ${saveResults(setting, measured)}`);
  } finally {
    if (server?.kill('SIGTERM')) await once(server, 'exit');
    rmSync(folder, { recursive: true });
  }
}

/** Starts the command as a user does, on any free port. @throws GsasError with the last line that it wrote to stderr */
async function startServer(file: string): Promise<{ process: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [MAIN, 'serve', file, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\S+/.exec(line)?.[0];
    if (address) return { process: child, address };
  }
  throw new GsasError(`serve: ${complaint.trim().split('\n').at(-1)}`);
}
