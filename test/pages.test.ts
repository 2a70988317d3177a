import { describe, expect, it } from 'vitest';
import { GsasError } from '../src/base/errors.js';
import { HostRandom } from '../src/base/philox.js';
import { Table, tableOf } from '../src/engine/table.js';
import { Tape } from '../src/engine/tape.js';
import { embed } from '../src/kernels/embedding/index.js';
import { gather } from '../src/kernels/gather/index.js';
import { normals, spansOf } from '../src/kernels/inputs.js';
import { gbce } from '../src/kernels/score/judges/gbce.js';
import { scoreOwn } from '../src/kernels/score/own/index.js';
import { rank } from '../src/kernels/score/rank/index.js';
import { drawnCandidates } from '../src/kernels/score/sampler.js';
import { uniform } from '../src/kernels/score/samplers/uniform.js';
import { topK } from '../src/kernels/score/top_k/index.js';
import { stream } from './support/device.js';

const [N, B] = [29, 5];

describe.each([8, 7])('a table of D = %s in pages of a few rows', (D) => {
  const random = new HostRandom(1);
  const rows = normals(random, [N + 2, D]).data;
  const hidden = normals(random, [B, D]).data;
  const ids = Uint32Array.from({ length: B }, () => 1 + random.integer(N));
  const forward = () => new Tape(stream, false);

  /** A kernel's results for the table in one page and in pages of 11, 11 and 9 rows. */
  async function both(run: (table: Table) => Parameters<typeof stream.download>[0][]) {
    const whole = tableOf(stream.upload(rows, [N + 2, D]));
    const paged = Table.upload(stream, rows, D, 11);
    expect([paged.pages.length, paged.rows, paged.D]).toEqual([3, N + 2, D]);
    const results = [whole, paged].map((table) => run(table).map((tensor) => stream.download(tensor)));
    stream.submit();
    const [one, several] = await Promise.all(results.map((reads) => Promise.all(reads)));
    whole.release(stream);
    paged.release(stream);
    return { one, several };
  }
  const h = () => stream.upload(hidden, [B, D]);
  const targets = () => stream.upload(ids, [B]);
  const none = () => stream.zeros([B, 1], 'u32');

  it('is gathered from', async () => {
    const all = Uint32Array.from({ length: N + 2 }, (_, row) => N + 1 - row);
    const { one, several } = await both((table) => [gather(forward(), table, stream.upload(all, [N + 2]))]);
    expect(several).toEqual(one);
    expect(several[0].subarray(0, D)).toEqual(rows.subarray((N + 1) * D));
  });

  it('is embedded from', async () => {
    const spans = spansOf([B]).data;
    const positions = () => stream.upload(hidden, [B, D]);
    const { one, several } = await both((table) => [
      embed(forward(), table, positions(), targets(), stream.upload(spans, [B, 2])),
    ]);
    expect(several).toEqual(one);
  });

  it('is scored, ranked and searched', async () => {
    const options = { verdict: { judge: gbce, settings: { beta: 0.3 } }, candidates: drawnCandidates(uniform, 9, N) };
    const { one, several } = await both((table) => {
      const best = topK(stream, h(), table, none(), N, 7);
      return [
        scoreOwn(forward(), h(), table, targets(), options),
        rank(stream, h(), table, targets(), none(), N),
        best.ids,
        best.scores,
      ];
    });
    expect(several).toEqual(one);
  });

  it('has a gradient in one page only', () => {
    const pages = Table.upload(stream, rows, D, 11).pages.map((page) =>
      stream.upload(new Float32Array(page.shape[0] * D), page.shape, { requiresGrad: true }),
    );
    const training = new Tape(stream);
    const y = gather(training, new Table(pages), targets());
    expect(() => training.backward({ of: y, gradient: stream.zeros([B, D]) })).toThrow(
      new GsasError(`gather: the table of ${N + 2} rows lies in 3 pages; gather takes one`),
    );
  });
});

it('refuses pages that do not fit together', () => {
  const page = (rows: number, D: number) => stream.zeros([rows, D]);
  expect(() => new Table([page(3, 4), page(3, 5)])).toThrow('table: pages [3,4], [3,5] do not fit together');
  expect(() => new Table([page(3, 4), page(2, 4), page(3, 4)])).toThrow(/do not fit together/);
  expect(() => new Table([page(3, 4), page(4, 4)])).toThrow(/do not fit together/);
});
