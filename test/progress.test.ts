import { describe, expect, it } from 'vitest';
import { formatCount, formatDuration, Progress, remainingSeconds } from '../src/train/progress.js';

it.each([
  [0, '0s'],
  [59.4, '59s'],
  [59.6, '1m 00s'],
  [67, '1m 07s'],
  [3599.7, '1h 00m'],
  [3725, '1h 02m'],
  [90000, '1d 01h'],
])('formats %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

it.each([
  [0, '0'],
  [7.254, '7.25'],
  [950, '950'],
  [999.4, '999'],
  [999.6, '1k'],
  [12345, '12.3k'],
  [999960, '1M'],
  [1234567, '1.23M'],
  [2e9, '2G'],
])('formats %d as %s', (n, text) => expect(formatCount(n)).toBe(text));

describe('remainingSeconds', () => {
  it('goes by the nearer of the limits', () => {
    expect(remainingSeconds(10, 5, { steps: 20, seconds: null })).toBe(30);
    expect(remainingSeconds(10, 5, { steps: 20, seconds: 25 })).toBe(15);
    expect(remainingSeconds(10, 0, { steps: 20, seconds: 25 })).toBe(15);
  });

  it('knows nothing without a limit or a step, and never goes below zero', () => {
    expect(remainingSeconds(10, 5, { steps: null, seconds: null })).toBe(null);
    expect(remainingSeconds(10, 0, { steps: 20, seconds: null })).toBe(null);
    expect(remainingSeconds(10, 5, { steps: null, seconds: 9 })).toBe(0);
  });
});

describe('Progress', () => {
  const setup = (isTTY: boolean, columns = 200) => {
    let written = '';
    let time = 100;
    const write = (text: string) => {
      written += text;
    };
    const progress = new Progress({ isTTY, columns, write }, { steps: 400, seconds: null }, () => time);
    const take = () => {
      const text = written;
      written = '';
      return text;
    };
    return { progress, take, wait: (seconds: number) => (time += seconds) };
  };
  const state = { epoch: 1, step: 340, stepsHere: 100, loss: 0.25, positions: 50000 };

  it('redraws one line in place, at most ten times a second', () => {
    const { progress, take, wait } = setup(true);
    wait(10);
    progress.update(state);
    expect(take()).toBe('\r\x1b[Kepoch 1  step 340  loss 0.2500  5k positions/s  10s elapsed  30s left');
    wait(0.05);
    progress.update({ ...state, step: 341 });
    expect(take()).toBe('');
    wait(0.06);
    progress.update({ ...state, step: 342 });
    expect(take()).toContain('step 342');
  });

  it('puts lasting lines in its place and counts positions per second from there, without the time in between', () => {
    const { progress, take, wait } = setup(true);
    wait(10);
    progress.update(state);
    take();
    wait(90);
    progress.print('epoch 1: ndcg@10 0.14');
    expect(take()).toBe('\r\x1b[Kepoch 1: ndcg@10 0.14\n');
    wait(0.01);
    progress.update({ ...state, epoch: 2, positions: 51000 });
    expect(take()).toBe('');
    wait(4.99);
    progress.update({ ...state, epoch: 2, positions: 100000 });
    expect(take()).toContain('10k positions/s');
    progress.clear();
    progress.clear();
    expect(take()).toBe('\r\x1b[K');
  });

  it('cuts the line to the terminal, so that it never wraps', () => {
    const { progress, take, wait } = setup(true, 20);
    wait(10);
    progress.update(state);
    expect(take()).toBe('\r\x1b[Kepoch 1  step 340  ');
  });

  it('writes only lasting lines where there is no terminal', () => {
    const { progress, take, wait } = setup(false);
    wait(10);
    progress.update(state);
    progress.print('epoch 1: ndcg@10 0.14');
    progress.clear();
    expect(take()).toBe('epoch 1: ndcg@10 0.14\n');
  });
});
