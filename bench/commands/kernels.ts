import type { Command } from 'commander';
import { GsasError } from '../../src/base/errors.js';
import { Gpu } from '../../src/engine/gpu.js';
import { openAdapter } from '../../src/node/adapter.js';
import { restDuring } from '../../src/node/rest.js';
import { parseSeconds } from '../common/options.js';
import { saveResults } from '../common/results.js';
import { type Setting, settingOf, settingText } from '../common/setting.js';
import { digits } from '../common/table.js';
import { benchOp, type KernelRow, opsCalled, shapeText } from '../kernels/bench-op.js';
import { GpuClock } from '../kernels/gpu-clock.js';
import { measureRoofline } from '../kernels/measure.js';
import type { Roofline } from '../kernels/roofline.js';

interface Flags {
  op?: string;
  seconds: number;
  json?: true;
  save?: true;
}

export function addKernels(program: Command): void {
  program
    .command('kernels')
    .description(
      'every operation at its bench shapes: compared with its float64 reference, then timed and set against the roofline',
    )
    .option('--op <name>', 'this operation only')
    .option('--seconds <number>', 'how long to repeat one measurement, beyond five runs', parseSeconds, 1)
    .option('--json', 'one JSON object a line')
    .option('--save', 'keep the times in bench/results/ADAPTER.json')
    .action(runKernels);
}

async function runKernels({ op: name, seconds, json, save }: Flags): Promise<void> {
  const ops = opsCalled(name);
  const found = await openAdapter();
  const profile = found.adapter.features.has('timestamp-query');
  const gpu = await Gpu.open(found.adapter, { profile, onWait: restDuring });
  const rows: KernelRow[] = [];
  const wrong: string[] = [];
  try {
    const setting = settingOf(found);
    const clock = new GpuClock(gpu);
    const roofline = await measureRoofline(clock);
    console.log(
      json ? JSON.stringify({ bench: 'roofline', ...roofline, ...setting }) : heading(setting, roofline, profile),
    );
    for (const op of ops) {
      for (const shape of op.benchShapes) {
        if (!json) console.log(`${op.name}  ${shapeText(shape)}`);
        try {
          for (const row of await benchOp(clock, op, shape, roofline, { seconds, least: 5, most: 200 })) {
            rows.push(row);
            console.log(json ? JSON.stringify({ ...row, ...setting }) : rowText(row));
          }
        } catch (error) {
          if (!(error instanceof GsasError)) throw error;
          console.error(error.message);
          wrong.push(op.name);
        }
      }
    }
    if (save) console.error(`kept in ${saveResults(setting, rows)}`);
  } finally {
    gpu.close();
  }
  if (wrong.length > 0) throw new GsasError(`not measured, see above: ${[...new Set(wrong)].join(', ')}`);
}

function heading(setting: Setting, { memory, flops }: Roofline, timestamps: boolean): string {
  const rates = memory.map(
    ({ bytes, copy, gather }) =>
      `  ${bytes / 2 ** 20} MiB: copy ${digits(copy / 1e9)}, gather ${digits(gather / 1e9)} GB/s`,
  );
  return [
    settingText(setting),
    'attainable here',
    ...rates,
    `  fused multiply-add: ${digits(flops / 1e9)} GFLOP/s`,
    timestamps
      ? 'GPU time by timestamps, p10 to p90 in brackets; host time includes the way there'
      : 'host time: no timestamps here',
    '',
  ].join('\n');
}

function rowText(row: KernelRow): string {
  const [middle, low, high] =
    row.gpu_ms === undefined ? [row.median_ms, row.p10_ms, row.p90_ms] : [row.gpu_ms, row.gpu_p10_ms!, row.gpu_p90_ms!];
  const cells = [
    `  ${row.pass.padEnd(8)} ${digits(middle).padStart(7)} ms`,
    `(${digits(low)} to ${digits(high)})`.padEnd(18),
    `host ${digits(row.median_ms).padStart(7)} ms`,
    `${digits(row.gb_per_s).padStart(7)} GB/s`,
    `${digits(row.gflop_per_s).padStart(7)} GFLOP/s`,
    `${digits(row.roofline_percent).padStart(5)} % of the ${row.bound} roof`,
  ];
  return cells.join('  ') + (row.wide ? '  (wide spread: is the machine busy?)' : '');
}
