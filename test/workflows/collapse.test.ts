import { describe, expect, it } from 'vitest';
import type { TaskReward } from '../../contract/activities.ts';
import type { UniformTasks } from '../../contract/workflows.ts';
import { addStep, collapsedIn } from '../../workflows/training/collapse.ts';

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
