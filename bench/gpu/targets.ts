import { digits } from '../common/table.js';
import { AXES } from '../scale/axes.js';
import type { Outcome } from './pieces.js';

/** A target and its outcome. */
export interface Verdict {
  what: string;
  target: string;
  /** What was measured, or why it was not. */
  measured: string;
  /** Undefined where nothing was measured. */
  met?: boolean;
}

const FASTER = 2;
const MEMORY = 0.1; // of the other's
const BUSY = 90; // percent of a step
const ROOF = 60; // percent
const ROOF_OPS = ['matmul', 'gather', 'attention'];

type Row = Record<string, unknown>;

/** Compares what was measured with the targets. Parts that were not run are left out. */
export function verdicts(outcomes: readonly Outcome[], against: string): Verdict[] {
  return outcomes.flatMap((outcome) => {
    const [piece] = outcome.name.split(' ');
    if (piece === 'tests') return [testVerdict(outcome)];
    if (piece === 'kernels') return ROOF_OPS.flatMap((op) => roofVerdict(outcome, op));
    if (piece === 'step') return stepVerdicts(outcome, against);
    if (piece === 'eval') return [ratioVerdict(outcome, against, 1)];
    if (piece === 'scale') return [scaleVerdict(outcome)];
    return [];
  });
}

function testVerdict({ rows, failure }: Outcome): Verdict {
  const what = "kernels' tests on this adapter";
  const [report] = rows as { numPassedTests?: number; numFailedTests?: number }[];
  if (report?.numPassedTests === undefined) return missing(what, 'all pass', failure);
  const { numPassedTests: passed, numFailedTests: failed = 0 } = report;
  const measured = `${passed} passed, ${failed} failed`;
  return { what, target: 'all pass', measured, met: failed === 0 && passed > 0 && failure === undefined };
}

/** The worst of an operation's shapes and directions; none if the operation was not requested. */
function roofVerdict({ rows, failure }: Outcome, op: string): Verdict[] {
  const what = `${op}, percent of the roofline`;
  const target = `${ROOF} % at least`;
  const own = rows.filter((row) => row.op === op) as { roofline_percent: number; pass: string; shape: string }[];
  if (own.length === 0) return failure ? [missing(what, target, failure)] : [];
  const sorted = own.sort((a, b) => a.roofline_percent - b.roofline_percent);
  const [worst, best] = [sorted[0], sorted.at(-1)!];
  const measured = `${digits(worst.roofline_percent)} (${worst.pass}, ${worst.shape}) to ${digits(best.roofline_percent)}`;
  return [{ what, target, measured, met: worst.roofline_percent >= ROOF }];
}

function stepVerdicts(outcome: Outcome, against: string): Verdict[] {
  const { ours, other, why } = pair(outcome, against);
  const memory = { what: `${outcome.name}, device memory`, target: `a tenth of ${against}'s at most` };
  const busy = { what: `${outcome.name}, GPU busy`, target: `${BUSY} % of the step at least` };
  const [mine, its] = [ours?.device_mib, other?.device_mib] as (number | undefined)[];
  const [gpu, wall] = [ours?.gpu_ms, ours?.median_ms] as (number | undefined)[];
  return [
    ratioVerdict(outcome, against, FASTER),
    mine !== undefined && its !== undefined
      ? { ...memory, measured: `${digits(mine)} of ${digits(its)} MiB`, met: mine <= MEMORY * its }
      : missing(memory.what, memory.target, other ? `${against} does not tell its device memory` : why),
    gpu !== undefined && wall !== undefined
      ? {
          ...busy,
          measured: `${digits((100 * gpu) / wall)} % (${digits(gpu)} of ${digits(wall)} ms)`,
          met: (100 * gpu) / wall >= BUSY,
        }
      : missing(busy.what, busy.target, ours ? 'no timestamps' : why),
  ];
}

/** How many times longer the other took than ours. */
function ratioVerdict(outcome: Outcome, against: string, least: number): Verdict {
  const { ours, other, why } = pair(outcome, against);
  const what = `${outcome.name}, against ${against}`;
  const target = least === 1 ? 'parity' : `${least}x faster`;
  if (!ours || !other) return missing(what, target, why);
  const ratio = other.ratio as number;
  const measured = `${digits(ratio)}x: ${digits(ours.median_ms as number)} and ${digits(other.median_ms as number)} ms`;
  return { what, target, measured, met: ratio >= least };
}

/** Ours and the other's rows; or the reason if one is missing. */
function pair({ rows, failure }: Outcome, against: string): { ours?: Row; other?: Row; why?: string } {
  const of = (name: string) => rows.find((row) => row.impl === name && row.median_ms !== undefined);
  const [ours, other] = [of('gsas'), of(against)];
  const failed = rows.find((row) => row.status !== undefined);
  const why = failed ? `${failed.impl} ${failed.status}` : failure;
  return { ...(ours && { ours }), ...(other && { other }), ...(why !== undefined && { why }) };
}

function scaleVerdict({ rows, failure }: Outcome): Verdict {
  const { values, atMost } = AXES.items;
  const ends = [values[0], values[values.length - 1]];
  const what = `cost of a position, ${ends.map((items) => items.toLocaleString('en-US')).join(' to ')} items`;
  const target = `grows ${atMost}x at most`;
  const [least, greatest] = ends.map((value) => rows.find((row) => row.axis === 'items' && row.value === value));
  if (!least || !greatest) return missing(what, target, failure ?? 'not all points could run, see above');
  const growth = greatest.growth as number;
  return { what, target, measured: `${digits(growth)}x`, met: growth <= atMost };
}

function missing(what: string, target: string, why = 'it printed nothing'): Verdict {
  return { what, target, measured: `not measured: ${why}` };
}
