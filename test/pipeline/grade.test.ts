import { expect, it } from 'vitest';
import { gradePrompts, type Grading } from '../../pipeline/training/grade.ts';
import type { PromptRollouts } from '../../pipeline/training/rollout-artifact.ts';
import { shownOrders } from '../../pipeline/data/shown-example.ts';
import { required } from '../../core/assert.ts';
import type { Example } from '../../judge/example.ts';
import { rewardSchema } from '../../recipes/fields/reward-fields.ts';
import type { RlArm } from '../../recipes/recipe.ts';

const example = (id: string, task: string, label: string): Example => ({
  ...{ id, task, split: 'train', images: task === 'pair' ? ['a', 'b'] : ['a'], fields: {}, label, groupKey: id },
});
const examples = [example('p', 'pair', 'first'), example('s', 'shows', 'yes')];
const exampleAt = (row: number) => required(examples[row], 'an example');
const pair = { kind: 'pairwise', labels: ['first', 'second'], prompt: '', ood: false } as const;
const shows = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '', ood: false } as const;
const grading = (reward: unknown): Grading => ({
  tasks: { pair: { ...pair, labels: ['first', 'second'] }, shows: { ...shows, labels: ['yes', 'no'] } },
  ...{ mode: 'direct', formatWeight: 0, tokenCountMax: 8, reward: rewardSchema.parse(reward) },
});

function sampled(exampleIndex: number, verdicts: readonly string[], swapped = false): PromptRollouts {
  const { id: exampleId, task } = examples[exampleIndex] ?? { id: '', task: '' };
  const rollouts = verdicts.map((verdict) => ({
    ...{ tokenIds: [1], logProbs: [0], finishReason: 'stop' as const, text: `<answer> ${verdict} </answer>` },
  }));
  return { exampleIndex, exampleId, task, promptTokenCount: 1, rollouts, ...(swapped && { swapped }) };
}

it('a swapped pair is compared with the other label, and agreement across the orders is rewarded', async () => {
  const prompts = [sampled(0, ['first', 'second']), sampled(0, ['second', 'second'], true), sampled(1, ['yes', 'no'])];
  const graded = await gradePrompts(
    prompts,
    exampleAt,
    grading({ consistencyWeight: 0.5, taskWeights: { shows: 3 } }),
    () => {
      throw new Error('there is no grader');
    },
  );
  expect(graded.map(({ label, swapped, weight }) => [label, swapped, weight])).toEqual([
    ['first', undefined, undefined],
    ['second', true, undefined],
    ['yes', undefined, 3],
  ]);
  expect(graded.map(({ rollouts }) => rollouts.map(({ reward }) => [reward.accuracy, reward.agreement]))).toEqual([
    [
      [1, 1],
      [0, 0],
    ],
    [
      [1, 0.5],
      [1, 0.5],
    ],
    [
      [1, undefined],
      [0, undefined],
    ],
  ]);
  expect(graded[1]?.rollouts[0]?.reward.value).toBe(0.75);
});

it('only pairs are shown in both orders, and only if agreement is rewarded', () => {
  const { tasks } = grading({});
  const taskOf = (name: string) => required(tasks[name], name);
  const arm = (consistencyWeight: number) => ({ reward: rewardSchema.parse({ consistencyWeight }) }) as RlArm;
  expect(shownOrders([1, 0], exampleAt, taskOf, arm(0.1))).toEqual([
    { exampleIndex: 1 },
    { exampleIndex: 0 },
    { exampleIndex: 0, swapped: true },
  ]);
  expect(shownOrders([1, 0], exampleAt, taskOf, arm(0))).toEqual([{ exampleIndex: 1 }, { exampleIndex: 0 }]);
});
