import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { readJournal } from '../src/store/journal.js';
import { writeDataset } from '../src/store/layout.js';
import { loadResumable, resumableFile } from '../src/store/resumable.js';
import { MAIN, type Outcome, start } from './support/command.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, flagsOf, TRAINING } from './support/small.js';

/** `npm run kill` kills many more. */
const KILLS = Number(process.env.GSAS_KILLS ?? 6);
const SEED = Number(process.env.GSAS_KILL_SEED ?? 1);

/** Validations one user at a time take as long as the steps, and early stopping ends the run after about ten of them. */
const OPTIONS = { ...TRAINING, eval_batch_size: 1, early_stopping_patience: 8, max_epochs: 60 };

const at = scratchFolder();
const random = new HostRandom(SEED);

/** Trains a run, or resumes it if there is something to resume, as a person would after a kill. */
function train(name: string, env: NodeJS.ProcessEnv = {}) {
  const fresh = ['--data', 'data', ...flagsOf(OPTIONS)];
  const args = ['train', '--out', name, '--no-report', ...(resumableFile(at(name)) ? ['--resume'] : fresh)];
  const preload = env.KILL_AT ? ['--import', new URL('support/kill-at.mjs', import.meta.url).href] : [];
  return start(process.execPath, [...preload, MAIN, ...args], at(), env);
}

/** The files of a run, without everything that depends on the clock. */
function result(name: string) {
  const { loop, ...last } = loadResumable(at(name));
  const lines = readJournal(at(name, 'metrics.jsonl'));
  return {
    ...last,
    loop: { ...loop, seconds: 0 },
    metrics: lines.map(({ seconds, positions_per_second, ...rest }) => rest),
    best: readFileSync(at(name, 'best.safetensors')),
    last: readFileSync(at(name, 'last.safetensors')),
    files: readdirSync(at(name)).map((file) => file.replace(/^(events\.out\.tfevents|last\.optimizer).*/, '$1')),
  };
}

describe('a run that is ended at random moments', () => {
  let whole: ReturnType<typeof result>;
  let wholeMs: number;
  beforeAll(async () => {
    writeDataset(at('data'), dataset);
    const since = performance.now();
    expect(await train('whole').ended).toMatchObject({ status: 0, stdout: expect.stringContaining('no better') });
    wholeMs = performance.now() - since;
    whole = result('whole');
    expect(whole.metrics.length).toBeGreaterThan(6);
  });

  const expectWhole = (name: string) => {
    expect(result(name)).toEqual(whole);
    const steps = readJournal(at(name, 'steps.jsonl')).map(({ step }) => step);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
  };
  const isDone = ({ status, stdout }: Outcome) => status === 0 && !stdout.includes(': interrupted\n');

  it(`by SIGKILL, checkpoint writes included, goes on to the very same bits (${KILLS} kills)`, async () => {
    const kills = { 'in a write': 0, 'by the clock': 0 };
    const count = () => kills['in a write'] + kills['by the clock'];
    for (let n = 0; count() < KILLS; n++) {
      const name = `killed-${n}`;
      for (let done = false; !done; ) {
        const inWrite = count() < KILLS && random.integer(2) === 0;
        const running = train(name, inWrite ? { KILL_IN: at(name), KILL_AT: String(random.integer(400)) } : {});
        const timer =
          inWrite || count() >= KILLS
            ? undefined
            : setTimeout(() => running.signal('SIGKILL'), random.uniform() * wholeMs);
        const outcome = await running.ended;
        clearTimeout(timer);
        done = isDone(outcome);
        if (!done) {
          expect(outcome, 'ended by the kill and nothing else').toMatchObject({ status: null });
          kills[inWrite ? 'in a write' : 'by the clock']++;
        }
      }
      expectWhole(name);
    }
    console.log(kills);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s saves, says how to go on, and does to the very same bits',
    async (signal) => {
      for (let saved = 0; saved < Math.ceil(KILLS / 8); ) {
        const running = train(signal);
        const begun = running.printed(/^adapter: /m);
        await begun;
        const timer = setTimeout(() => running.signal(signal), (random.uniform() * wholeMs) / 2);
        const outcome = await running.ended;
        clearTimeout(timer);
        expect(outcome.status).toBe(0);
        if (isDone(outcome)) break;
        expect(outcome.stderr).toBe('');
        expect(outcome.stdout).toMatch(
          /^saving and stopping[\s\S]*^to go on: {2}npx gsas-wgpu train --resume --out SIG/m,
        );
        saved++;
      }
      expect(await train(signal).ended).toMatchObject({ status: 0 });
      expectWhole(signal);
    },
  );
});
