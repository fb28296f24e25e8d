import { expect, test } from 'vitest';
import { summaryOf } from '../../pipeline/training/reward.ts';
import type { JudgedRollout, PromptRewards } from '../../pipeline/training/rollout-artifact.ts';

const judged = (verdict: string | undefined): JudgedRollout =>
  ({
    judgment: verdict === undefined ? { ok: false, reason: 'missing' } : { ok: true, verdict },
    reward: { value: 1, accuracy: 1, format: 1 },
  }) as unknown as JudgedRollout;

const prompt = (label: string, ...verdicts: (string | undefined)[]): PromptRewards => ({
  ...{ exampleIndex: 0, exampleId: 'a', task: 'fits', label, rollouts: verdicts.map(judged) },
});

const verdictOf = (...prompts: PromptRewards[]) => summaryOf(prompts).byTask[0]?.onlyVerdict;

test('a step says which verdict alone it saw, if it asked for several', () => {
  expect(verdictOf(prompt('yes', 'yes', 'yes'), prompt('no', 'yes', undefined))).toBe('yes');
  expect(verdictOf(prompt('yes', 'yes'), prompt('no', 'no'))).toBeUndefined();
  // Examples of one label ask for one verdict.
  expect(verdictOf(prompt('yes', 'yes', 'yes'))).toBeUndefined();
  // Unreadable answers are another fault.
  expect(verdictOf(prompt('yes', 'yes', undefined), prompt('no', undefined, undefined))).toBeUndefined();
});

const commonOf = (...prompts: PromptRewards[]) => summaryOf(prompts).byTask[0]?.commonVerdict;

test('a step says its most frequent verdict, and how often it is the label', () => {
  expect(commonOf(prompt('yes', 'no', 'no', 'no'), prompt('no', 'yes', 'no', undefined))).toEqual({
    ...{ verdict: 'no', verdictRate: 0.8, labelRate: 0.5 },
  });
  expect(commonOf(prompt('yes', 'no', 'no'))).toEqual({ verdict: 'no', verdictRate: 1, labelRate: 0 });
  expect(commonOf(prompt('yes', undefined))).toBeUndefined();
});
