import { describe, expect, it } from 'vitest';
import { commandsOf, type Outcome, runCommand } from '../bench/gpu/pieces.js';
import { summaryText } from '../bench/gpu/summary.js';
import { verdicts } from '../bench/gpu/targets.js';

const step = (ours: object, other: object): Outcome => ({
  name: 'step B=128',
  rows: [
    { bench: 'step', impl: 'gsas', shape: 'ml1m', median_ms: 10, ratio: 1, ...ours },
    { bench: 'step', impl: 'pytorch-cuda', shape: 'ml1m', ...other },
  ],
});
const judge = (...outcomes: Outcome[]) => verdicts(outcomes, 'pytorch-cuda');

describe('the targets of a GPU', () => {
  it('are met or missed by speed, memory and the busy share of a step', () => {
    const ours = { device_mib: 100, gpu_ms: 9.5 };
    const good = judge(step(ours, { median_ms: 25, ratio: 2.5, device_mib: 1000 }));
    expect(good.map(({ met }) => met)).toEqual([true, true, true]);
    const bad = judge(step({ device_mib: 101, gpu_ms: 8.9 }, { median_ms: 19, ratio: 1.9, device_mib: 1000 }));
    expect(bad.map(({ met }) => met)).toEqual([false, false, false]);
    expect(bad[0].measured).toBe('1.90x: 10.0 and 19.0 ms');
  });

  it('say why nothing was measured, and judge the rest', () => {
    const found = judge(step({ gpu_ms: 9.5 }, { status: 'cannot run: No module named torch' }));
    expect(found.map(({ met }) => met)).toEqual([undefined, undefined, true]);
    expect(found[0].measured).toBe('not measured: pytorch-cuda cannot run: No module named torch');
    expect(judge({ name: 'eval', rows: [], failure: 'out of memory' })[0]).toMatchObject({
      measured: 'not measured: out of memory',
    });
  });

  it('take the worst shape of an operation', () => {
    const row = (op: string, roofline_percent: number) => ({ op, pass: 'forward', shape: 'T=1', roofline_percent });
    const kernels = { name: 'kernels', rows: [row('matmul', 80), row('matmul', 59), row('gather', 60)] };
    expect(judge(kernels).map(({ what, met }) => [what.split(',')[0], met])).toEqual([
      ['matmul', false],
      ['gather', true],
    ]);
  });

  it('want every test to pass, and some', () => {
    const tests = (report: object, failure?: string) =>
      judge({ name: 'tests', rows: [report as Record<string, unknown>], ...(failure && { failure }) })[0].met;
    expect(tests({ numPassedTests: 9, numFailedTests: 0 })).toBe(true);
    expect(tests({ numPassedTests: 9, numFailedTests: 1 }, 'ended by 1')).toBe(false);
    expect(tests({ numPassedTests: 0, numFailedTests: 0 })).toBe(false);
  });

  it('want the cost of a position over all of the axis', () => {
    const scale = (...growths: [number, number][]) =>
      judge({
        name: 'scale',
        rows: growths.map(([value, growth]) => ({ axis: 'items', value, growth })),
      })[0].met;
    expect(scale([1e3, 1], [1e6, 1.9])).toBe(true);
    expect(scale([1e3, 1], [1e6, 2.1])).toBe(false);
    expect(scale([1e3, 1], [1e5, 1.1])).toBeUndefined();
  });
});

describe('the one command', () => {
  const plan = { batchSizes: [4, 8], against: 'pytorch-cuda', users: 512, repeat: 3, save: true };

  it('runs a step of each size against the other in the same call', () => {
    const [first, second] = commandsOf('step', plan);
    expect([first![0], second![0]]).toEqual(['step B=4', 'step B=8']);
    expect(second![1].join(' ')).toContain(
      '--impl gsas,pytorch-cuda --repeat 3 --batch-size 8 --profile --json --save',
    );
  });

  it('keeps what a part printed before it failed, and its last words', async () => {
    const script = `console.log('{"a":1}\\nnot json'); console.error('first\\nerror: no such thing'); process.exit(3)`;
    expect(await runCommand('part', [process.execPath, '-e', script], 'any')).toEqual({
      name: 'part',
      rows: [{ a: 1 }],
      failure: 'no such thing',
    });
    expect((await runCommand('part', ['/no/such/program'], 'any')).failure).toContain('ENOENT');
  });

  it('hands the adapter on', async () => {
    const script = `console.log(JSON.stringify({ adapter: process.env.GSAS_ADAPTER }))`;
    expect((await runCommand('part', [process.execPath, '-e', script], 'some-gpu')).rows).toEqual([
      { adapter: 'some-gpu' },
    ]);
  });

  it('writes a page with targets, times and failures', () => {
    const setting = { adapter: 'some-gpu', driver: 'd', processor: 'p', commit: 'abc' };
    const outcomes = [
      step({ p10_ms: 9, p90_ms: 11 }, { status: 'cannot run: no CUDA' }),
      { name: 'startup', rows: [{ bench: 'startup', impl: 'gsas', pass: 'cold', shape: 'ml1m', median_ms: 2000 }] },
      { name: 'eval', rows: [], failure: 'broken | pipe' },
    ];
    const text = summaryText(setting, judge(...outcomes), outcomes);
    expect(text).toContain('# some-gpu');
    expect(text).toContain('| step, gsas | ml1m | 10.0 | 9.00 | 11.0 |');
    expect(text).toContain('| step, pytorch-cuda | ml1m: cannot run: no CUDA |');
    expect(text).toContain('| startup, gsas, cold | ml1m | 2000 |');
    expect(text).toContain('not measured: broken \\| pipe');
    expect(text).toContain('- eval: broken | pipe');
  });
});
