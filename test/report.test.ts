import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { html } from '../src/report/html.js';
import { listRuns } from '../src/report/list.js';
import { writeReport } from '../src/report/report.js';
import { bestValidation, readRun } from '../src/report/run.js';
import { ANALYSIS, fakeRun, HOSTILE, validationLine } from './support/run.js';

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gsas-report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const RUNNING = { host: hostname(), pid: process.pid, ended: undefined, stopped: undefined } as never;
const figures = (page: string) => [...page.matchAll(/<figure><h3>(.*?)<\/h3><svg/g)].map(([, title]) => title);

it('escapes whatever is put into HTML, but for HTML', () => {
  expect(html`<b title="${`"'`}">${[HOSTILE, html`<i>`]}${undefined}${false}${0}</b>`.text).toBe(
    '<b title="&quot;&#39;">&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;<i>0</b>',
  );
});

describe('the report of a run', () => {
  it('shows all that was measured, in one file that asks for no other', async () => {
    const file = await writeReport([fakeRun(at('one'), { analysis: ANALYSIS })]);
    expect(file).toBe(at('one', 'report.html'));
    const page = readFileSync(file, 'utf8');
    expect(figures(page)).toEqual([
      ...['NDCG@10 with 95 % intervals', 'By length of the history', 'By popularity of what came next'],
      ...['Training loss', 'Validation', 'Throughput', 'Probability against precision', 'Score by rank'],
      ...['Lengths of training sequences', 'Popularity of items'],
    ]);
    for (const text of [
      '0.3000',
      'best NDCG@10: 0.3000',
      'finished',
      '200 users',
      'max_epochs reached',
      'some-gpu',
      'gbce_t',
      'matmul <small>×30</small>',
      '3 ms <small>75 %</small>',
      '33.7 %',
      'Leaving out seen items hides 26.0 % of the test targets: train with --filter-rated false.',
      '20.0 % of the interactions, and 20.0 % of the test targets, are at the very time of another',
    ]) {
      expect(page).toContain(text);
    }
    // Recall@1 of the ranks is 3 of 200.
    const [, recall] = /gSASRec<\/th><td>.*?<\/td><td>.*?<\/td><td>(.*?)<\/td>/.exec(page)!;
    expect(recall).toMatch(/^<strong>0\.0150<\/strong> <small>\[0\.00\d\d, 0\.0\d\d\d\]<\/small>$/);
    expect(page).toContain('<li class="hit"><span>Ran (1985)</span></li>');
    expect(page).not.toMatch(/\b(src|href)="(?!data:,")|url\(|@import|https?:|NaN|undefined/);
  });

  it('gives recommendations percentages only where gbce_t 1 makes them probabilities, and judges calibration only where a loss aims at it', async () => {
    const pageOf = async (options: object, name: string) =>
      readFileSync(await writeReport([fakeRun(at(name), { analysis: ANALYSIS, options })]), 'utf8');
    const cards = (page: string) => /<h2>Recommendations.*?<\/section>/s.exec(page)![0];
    const calibrated = await pageOf({ gbce_t: 1 }, 'one');
    expect(cards(calibrated)).toContain('Percentages are predicted probabilities.');
    expect(cards(calibrated)).toContain('<li class="hit"><span>Ran (1985)</span><span>25 %</span></li>');
    const inflated = await pageOf({ gbce_t: 0.75 }, 'less');
    expect(cards(inflated)).not.toContain('%');
    expect(inflated).toContain('<h2>Calibration');
    const ordering = await pageOf({ loss: 'ce' }, 'ce');
    expect(cards(ordering)).not.toContain('%');
    expect(ordering).not.toContain('<h2>Calibration');
  });

  it('marks the best of each column, an upper bound aside', async () => {
    const page = readFileSync(await writeReport([fakeRun(at('one'), { analysis: ANALYSIS })]), 'utf8');
    const table = /aria-label="Metrics".*?<\/table>/s.exec(page)![0];
    const marks = [...table.matchAll(/<th scope="row">(\w+)<\/th>(.*?)<\/tr>/g)].map(([, name, cells]) => [
      ...[name, cells.split('<strong>').length - 1],
    ]);
    expect(marks).toEqual([
      ['gSASRec', 4],
      ['popularity', 0],
      ['oracle', 0],
    ]);
  });

  it('shows an analysis of an earlier version, which measured less', async () => {
    const { cases: _, data: __, ...less } = ANALYSIS;
    const analysis = { ...less, rankings: less.rankings.map(({ name, ranks }) => ({ name, ranks })) };
    const page = readFileSync(await writeReport([fakeRun(at('one'), { analysis })]), 'utf8');
    expect(figures(page)).toContain('Validation');
    expect(page).not.toMatch(/Coverage@10|By length of the history|<h2>Data|undefined|NaN/);
  });

  it.each([
    ['its own', ['ssm'], 'ssm'],
    ['each of several', ['gbce', 'ce', 'gbce'], 'gbce or ce'],
  ])('names on the axis of losses %s', async (_, losses, named) => {
    const runs = losses.map((loss, i) => fakeRun(at(`run${i}`), { options: { loss } }));
    const page = readFileSync(await writeReport(runs, at('out.html')), 'utf8');
    expect(page).toContain(`>${named} loss a position<`);
  });

  it('tells series apart by dash and shape, not by colour alone', async () => {
    const page = readFileSync(await writeReport([fakeRun(at('one'))]), 'utf8');
    const validation = /<h3>Validation<\/h3>.*?<\/figure>/s.exec(page)![0];
    const lines = [...validation.matchAll(/stroke="var\(--series-\d\)"[^>]*?(?:stroke-dasharray="([^"]*)")?\/?>/g)].map(
      ([, dash]) => dash,
    );
    expect(new Set(lines).size).toBeGreaterThanOrEqual(3);
  });

  it('puts no title or name into the page as HTML, into drawings neither', async () => {
    const runs = ['<img src=x>', '"><u>'].map((name) => fakeRun(at(name), { analysis: ANALYSIS }));
    const page = readFileSync(await writeReport([runs[0]]), 'utf8');
    expect(page).toContain('&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;');
    const both = readFileSync(await writeReport(runs, at('both.html')), 'utf8');
    expect(both).toMatch(/<text [^>]*>&lt;img src=x&gt;<\/text>/);
    for (const text of [page, both]) expect(text).not.toMatch(/<script|<img|"><u>/);
  });

  it('does without what has not been measured', async () => {
    const page = readFileSync(await writeReport([fakeRun(at('one'), { ndcg: [0.1] })], at('out.html')), 'utf8');
    expect(figures(page)).toEqual(['Training loss', 'Validation', 'Throughput']);
    expect(page).toContain('gsas-wgpu report');
  });
});

describe('a report of several runs', () => {
  it('lays curves over each other and tables what differs', async () => {
    const better = {
      ...ANALYSIS,
      rankings: [{ name: 'gSASRec', ranks: ANALYSIS.rankings[0].ranks.map((rank) => Math.ceil(rank / 3)) }],
    };
    const runs = [
      fakeRun(at('a'), { analysis: ANALYSIS }),
      fakeRun(at('b', 'a'), { options: { lr: 0.25 }, analysis: better }),
    ];
    const page = readFileSync(await writeReport(runs, at('both.html')), 'utf8');
    expect(figures(page)).toEqual([
      ...['NDCG@10 with 95 % intervals', 'By length of the history', 'By popularity of what came next'],
      ...['Training loss', 'NDCG@10 by step', 'NDCG@10 by time', 'Throughput'],
      ...['Probability against precision', 'Score by rank', 'Lengths of training sequences', 'Popularity of items'],
    ]);
    // They have the same name, so their paths distinguish them.
    for (const run of runs) expect(page).toContain(`<th scope="col">${run}</th>`);
    expect(page).toMatch(/<th scope="row">lr<\/th><td>0\.001<\/td><td>0\.25<\/td>/);
    expect(page).not.toMatch(/<th scope="row">gbce_t/);
    expect(page).toMatch(
      /<strong>\+0\.\d{4}<\/strong> <small>\[\+0\.\d{4}, \+0\.\d{4}\]<\/small> <small>p&nbsp;0\.000/,
    );
  });

  it('marks the best validation, and shows one that failed before any', async () => {
    const failed = fakeRun(at('failed'), { ndcg: [], session: { stopped: 'failed', error: 'the loss is NaN' } });
    const runs = [fakeRun(at('a')), fakeRun(at('b'), { ndcg: [0.4] }), failed];
    const page = readFileSync(await writeReport(runs, at('three.html')), 'utf8');
    const [, rows] = /aria-label="Runs".*?<tbody>(.*?)<\/tbody>/s.exec(page)!;
    expect(rows.match(/<strong>/g)).toHaveLength(1);
    expect(rows).toContain('NDCG@10 <strong>0.4000</strong>');
    expect(rows).toMatch(
      /failed<\/th><td>–<\/td><td>–<\/td><td><span class="state stopped">stopped<\/span> <span class="why">failed: the loss is NaN</,
    );
  });

  it('says which of them a calibration is of, and isolates names that turn text around', async () => {
    const name = 'a\u202eb';
    const runs = [
      fakeRun(at(name), { analysis: ANALYSIS }),
      fakeRun(at('ce'), { options: { loss: 'ce' }, analysis: ANALYSIS }),
    ];
    const page = readFileSync(await writeReport(runs, at('both.html')), 'utf8');
    expect(page).toContain(`Of these runs only <b>${name}</b>: the scores of the others only order items.`);
    expect(page).toContain(`<bdi>${name}</bdi>: `);
    expect(page).toMatch(/\bb, strong, span, a, button, code, cite \{ unicode-bidi: isolate; \}/);
    expect(figures(page)).toContain('Lengths of training sequences');
  });

  it('warns where they are of different data', async () => {
    const other = fakeRun(at('b'));
    writeFileSync(
      join(other, 'run.json'),
      '{"data":"x","dataset":{"name":"books","users":2,"items":3,"interactions":4,"meanLength":2}}',
    );
    const page = readFileSync(await writeReport([fakeRun(at('a')), other], at('both.html')), 'utf8');
    expect(page).toContain('These runs are of different data');
  });
});

describe('a run that cannot be reported', () => {
  it.each([
    ['no folder', () => at('none'), /^there is no folder .*none/],
    ['not a run', () => folder, /is not the folder of a run: it holds no config\.json and metrics\.jsonl/],
    [
      'nothing validated',
      () => fakeRun(at('run'), { ndcg: [], session: RUNNING }),
      /run: nothing has been validated yet/,
    ],
    [
      'ended before it validated',
      () => fakeRun(at('run'), { ndcg: [], session: { stopped: 'failed', error: 'the loss is NaN' } }),
      /run: nothing was validated before the run ended \(failed: the loss is NaN\), so there is nothing to report; `gsas-wgpu watch`/,
    ],
    [
      'a damaged line',
      () => {
        const run = fakeRun(at('run'));
        appendFileSync(join(run, 'metrics.jsonl'), `{"step": 1, "loss\n${validationLine(5, 0.2)}`);
        return run;
      },
      /metrics\.jsonl line 4: is not JSON/,
    ],
    [
      'a value that is no number',
      () => {
        const run = fakeRun(at('run'));
        appendFileSync(join(run, 'metrics.jsonl'), validationLine(4, 0.2).replace('"loss":0.25', '"loss":"low"'));
        return run;
      },
      /metrics\.jsonl line 4: loss is "low"; it must be a number/,
    ],
    [
      'a damaged analysis',
      () => {
        const run = fakeRun(at('run'));
        writeFileSync(join(run, 'analysis.json'), '{}');
        return run;
      },
      /analysis\.json: step is missing; it must be a number; remove the file/,
    ],
    [
      'an analysis without examples',
      () => fakeRun(at('run'), { analysis: { ...ANALYSIS, examples: [] } }),
      /analysis\.json: examples is empty; remove the file/,
    ],
    [
      'an analysis of no cutoffs',
      () => fakeRun(at('run'), { analysis: { ...ANALYSIS, calibration: { ...ANALYSIS.calibration, cutoffs: [] } } }),
      /analysis\.json: calibration\.cutoffs is empty; remove the file/,
    ],
  ])('is told in a line: %s', async (_, run, message) => {
    const error: Error = await writeReport([run()]).then(
      () => new Error('it was written'),
      (error) => error,
    );
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
    expect(error).toMatchObject({ exitCode: 2 });
  });

  it('is not one whose last line was cut off by a kill', () => {
    const run = fakeRun(at('run'));
    appendFileSync(join(run, 'metrics.jsonl'), '{"step": 1, "lo');
    expect(readRun(run).validations).toHaveLength(3);
  });
});

describe('the list of runs', () => {
  it('gives each its best whole epoch, the best first, and its state', () => {
    const killed = { host: hostname(), pid: 2 ** 22 + 1, ended: undefined, stopped: undefined } as never;
    fakeRun(at('a'), { session: RUNNING });
    fakeRun(at('b'), { ndcg: [0.2, 0.4], session: killed });
    fakeRun(at('c'), { ndcg: [0.05], session: { stopped: 'failed', error: 'the loss is NaN' } });
    fakeRun(at('d'), { ndcg: [], session: { stopped: 'aborted' } });
    appendFileSync(at('a', 'metrics.jsonl'), validationLine(3.5, 0.9));
    mkdirSync(at('no run'));
    const summary = listRuns([folder], (error) => expect.unreachable(error.message));
    expect(
      summary.map(({ run, best, best_step, steps, state, why }) => [run, best, best_step, steps, state, why]),
    ).toEqual([
      [at('b'), 0.4, 20, 20, 'stopped', 'killed'],
      [at('a'), 0.3, 20, 35, 'running', ''],
      [at('c'), 0.05, 10, 10, 'stopped', 'failed: the loss is NaN'],
      [at('d'), null, null, 0, 'stopped', 'interrupted'],
    ]);
    expect(summary[0]).toMatchObject({ data: 'films', metric: 'ndcg@10', seconds: 10 });
  });

  it('counts a validation within an epoch only where no epoch was completed', () => {
    const run = fakeRun(at('a'), { ndcg: [] });
    appendFileSync(at('a', 'metrics.jsonl'), validationLine(0.5, 0.2));
    expect(bestValidation(readRun(run))).toMatchObject({ step: 5 });
  });

  it('leaves a damaged run out and says so; a folder without runs is an error', () => {
    fakeRun(at('a'));
    fakeRun(at('b'));
    writeFileSync(at('b', 'steps.jsonl'), 'x\n');
    const told: string[] = [];
    expect(listRuns([folder], ({ message }) => told.push(message)).map(({ run }) => run)).toEqual([at('a')]);
    expect(told).toEqual([expect.stringMatching(/b.steps\.jsonl line 1: is not JSON/)]);
    mkdirSync(at('empty'));
    expect(() => listRuns([at('empty')], () => {})).toThrow(/empty holds no run/);
    expect(() => listRuns([at('none')], () => {})).toThrow(/there is no folder/);
  });
});
