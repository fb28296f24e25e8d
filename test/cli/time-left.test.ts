import { expect, test } from 'vitest';
import { barLines } from '../../cli/show/bars.ts';
import { timeLeftMs } from '../../cli/show/time-left.ts';
import { progress, runProgress, standing, view } from './made-up.ts';

const done = (runName: string, arm: string, stepCount: number, computeMs: number) =>
  runProgress({ runName, arm, step: stepCount, stepCount, state: 'done', computeMs });

test('the time left is that of the steps left, each at the pace of its arm, at the rate of computing so far', () => {
  // rl: 10 steps took 20 s; sft: 10 steps took 5 s. Left: 10 of rl (20 s), 30 of sft (15 s). 25 s took 50 s of time.
  const runs = [
    done('rl/s0', 'rl', 10, 20_000),
    runProgress({ runName: 'rl/s1', arm: 'rl', step: 0, stepCount: 10, computeMs: 0 }),
  ];
  const sft = runProgress({ runName: 'sft/s0', arm: 'sft', step: 10, stepCount: 40, computeMs: 5_000 });
  const told = progress([...runs, sft], { step: 20, stepCount: 60, startedAtMs: 10_000 });
  expect(timeLeftMs(told, 60_000)).toBeCloseTo((35 / 25) * 50_000, 6);
});

test('runs that have not begun count with the mean pace, and runs from the cache with none', () => {
  const cached = done('rl/s0', 'rl', 10, 0);
  const own = done('sft/s0', 'sft', 10, 10_000);
  // 20 steps done, of which 10 computed in 10 s of 20 s; 40 steps of runs that are not there yet.
  expect(timeLeftMs(progress([cached, own], { step: 20, stepCount: 60 }), 20_000)).toBeCloseTo(80_000, 6);
});

test('nothing is told before a step has been computed, nor when none is left', () => {
  const waiting = runProgress({ step: 0, computeMs: 0 });
  expect(timeLeftMs(progress([waiting], { step: 0 }), 1000)).toBeUndefined();
  expect(timeLeftMs(progress([done('a', 'a', 150, 9)], { step: 150 }), 1000)).toBeUndefined();
});

test('status tells it of several runs together, in the line of the experiment', () => {
  const runs = [
    done('rl/s0', 'rl', 10, 20_000),
    runProgress({ runName: 'rl/s1', arm: 'rl', step: 5, stepCount: 10, computeMs: 10_000 }),
  ];
  const told = progress(runs, { step: 15, stepCount: 20 });
  expect(barLines(standing(told), view({ nowMs: 60_000 }))[0]).toContain('about 20 s of training left');
  expect(barLines(standing(told, { isOpen: false }), view({ nowMs: 60_000 }))[0]).not.toContain('left');
  const [single] = barLines(standing(progress([runProgress()])), view());
  expect(single).not.toContain('of training left');
});
