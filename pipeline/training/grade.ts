/** Computes a step's rewards: parses rollouts, compares them with the label and the other order, asks the grader. */
import { required } from '../../core/assert.ts';
import type { AnswerMode, Example } from '../../judge/example.ts';
import { agreements, type RewardRule, ruledReward } from '../../judge/rewards.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { GraderSpec } from '../../recipes/fields/reward-fields.ts';
import type { GraderItem } from './grader.ts';
import { shownExample } from '../data/shown-example.ts';
import type { JudgedRollout, PromptRewards, PromptRollouts } from './rollout-artifact.ts';

export interface Grading extends RewardRule {
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  readonly mode: AnswerMode;
}

interface ReadPrompt {
  readonly prompt: PromptRollouts;
  /** The example in the order shown. */
  readonly example: Example;
  readonly task: TaskSpec;
  readonly judgments: readonly JudgedRollout['judgment'][];
}

/** Returns a score for each item, in order. Throws GRADER_FAILED. */
export type AskGrader = (items: readonly GraderItem[], grader: GraderSpec) => Promise<readonly number[]>;

/** Rewards of every prompt, in order. Calls `askGrader` if the recipe has a grader. Throws GRADER_FAILED. */
export async function gradePrompts(
  prompts: readonly PromptRollouts[],
  exampleAt: (row: number) => Example,
  grading: Grading,
  askGrader: AskGrader,
): Promise<PromptRewards[]> {
  const read = prompts.map((prompt) => readPrompt(prompt, exampleAt, grading));
  const orders = new Map(read.map((one) => [orderKey(one.prompt), one]));
  const scores = await scoresOf(read, grading, askGrader);
  return read.map((one, i): PromptRewards => {
    const { exampleIndex, exampleId, task, swapped } = one.prompt;
    const other = grading.reward.consistencyWeight > 0 ? orders.get(orderKey(one.prompt, true)) : undefined;
    const agreement = other && agreements(one.judgments, other.judgments);
    const rollouts = one.judgments.map((judgment, k): JudgedRollout => {
      const graderScore = scores?.[i]?.[k];
      const completion = {
        ...{ judgment, tokenCount: required(one.prompt.rollouts[k], 'a rollout').tokenIds.length },
        ...(agreement && { agreement: agreement[k] ?? 0 }),
        ...(graderScore !== undefined && { graderScore }),
      };
      return { judgment, reward: ruledReward(completion, one.example, one.task, grading) };
    });
    const weight = grading.reward.taskWeights[task];
    return {
      ...{ exampleIndex, exampleId, task, label: one.example.label, rollouts },
      ...(swapped && { swapped }),
      ...(weight !== undefined && { weight }),
    };
  });
}

function orderKey({ exampleIndex, swapped }: PromptRollouts, other = false): string {
  return `${String(exampleIndex)} ${String((swapped === true) !== other)}`;
}

function readPrompt(prompt: PromptRollouts, exampleAt: (row: number) => Example, { tasks, mode }: Grading): ReadPrompt {
  const task = required(tasks[prompt.task], `task ${prompt.task}`);
  const example = shownExample(exampleAt(prompt.exampleIndex), prompt, task);
  return { prompt, example, task, judgments: prompt.rollouts.map((rollout) => readVerdict(rollout, task, mode)) };
}

/** Grader scores as [prompt][rollout]; undefined for unparsable rollouts, which are not sent to the grader. */
async function scoresOf(
  read: readonly ReadPrompt[],
  { reward: { grader } }: Grading,
  askGrader: AskGrader,
): Promise<(number | undefined)[][] | undefined> {
  if (grader === undefined) return undefined;
  const items = read.flatMap(({ example, judgments }) =>
    judgments.flatMap((judgment) => {
      if (!judgment.ok) return [];
      const { id: exampleId, task, fields, label } = example;
      return [{ exampleId, task, fields, label, verdict: judgment.verdict, rationale: judgment.rationale }];
    }),
  );
  const scores = (await askGrader(items, grader)).values();
  return read.map(({ judgments }) =>
    judgments.map(({ ok }) => (ok ? required(scores.next().value, 'a score') : undefined)),
  );
}
