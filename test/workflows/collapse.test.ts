import { describe, expect, it } from 'vitest';
import type { TaskReward } from '../../contract/activities.ts';
import type { UniformTasks } from '../../contract/workflows.ts';
import { addStep, collapsedIn, leaningIn } from '../../workflows/training/collapse.ts';

const rewardOf = (task: string, onlyVerdict?: string): TaskReward => ({
  ...{ task, groupCount: 4, rolloutCount: 32, reward: 0.5, accuracy: 0.5, format: 1 },
  ...(onlyVerdict !== undefined && { onlyVerdict }),
});

const after = (...steps: readonly (readonly TaskReward[])[]): UniformTasks =>
  steps.reduce<UniformTasks>((before, byTask, step) => addStep(before, step, byTask), {});

describe('a task with one verdict whatever is shown', () => {
  const yes = [rewardOf('fits', 'yes')];

  it('has collapsed after three such steps', () => {
    expect(collapsedIn(after(yes, yes))).toEqual([]);
    expect(collapsedIn(after([rewardOf('fits')], yes, yes, yes))).toEqual([
      { task: 'fits', verdict: 'yes', sinceStep: 1 },
    ]);
  });

  it('is left alone by steps that do not show it', () => {
    expect(collapsedIn(after(yes, yes, [rewardOf('other')], yes))).toHaveLength(1);
  });

  it('counts again from a step with two verdicts, or with another one', () => {
    expect(collapsedIn(after(yes, yes, [rewardOf('fits')], yes))).toEqual([]);
    expect(collapsedIn(after(yes, yes, [rewardOf('fits', 'no')]))).toEqual([]);
  });

  it('is forgotten once it recovers, so that the state of a run stays small', () => {
    expect(after(yes, [rewardOf('fits')])).toEqual({});
  });
});

describe('a task that leans to one verdict', () => {
  const leaning = (task: string, verdictRate: number, labelRate: number): TaskReward => ({
    ...rewardOf(task),
    commonVerdict: { verdict: 'no', verdictRate, labelRate },
  });

  it('is named with the share of the verdict and that of its label, the strongest first', () => {
    expect(leaningIn([leaning('a', 0.92, 0.5), leaning('b', 1, 0.5)])).toEqual([
      { task: 'b', verdict: 'no', verdictRate: 1, labelRate: 0.5 },
      { task: 'a', verdict: 'no', verdictRate: 0.92, labelRate: 0.5 },
    ]);
  });

  it('is not named while other verdicts are given, if its labels are as one-sided, or if none could be read', () => {
    expect(leaningIn([leaning('a', 0.8, 0.3), leaning('b', 0.95, 0.9), rewardOf('c')])).toEqual([]);
  });

  it('is one of few that are named, so that the state of a run stays small', () => {
    expect(leaningIn(Array.from({ length: 50 }, (_, i) => leaning(String(i), 1, 0.5)))).toHaveLength(4);
  });
});
