/** Computes a step's rewards: parses rollouts, compares them with the label and the other order, asks the grader. */
import { required } from '../../core/assert.ts';
import type { AnswerMode, Example } from '../../judge/example.ts';
import { agreements, type RewardRule, ruledReward } from '../../judge/rewards.ts';
import type { Order } from '../../judge/kinds/kind.ts';
import { ruleFor } from '../../judge/tasks/candidates.ts';
import { ordersOf } from '../../judge/tasks/reorder.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { GraderSpec } from '../../recipes/fields/reward-fields.ts';
import type { GraderItem } from './grader.ts';
import { orderIndexOf, shownExample } from '../data/shown-example.ts';
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
  /** Place of the order among those of the example. */
  readonly place: number;
  readonly order: Order;
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
  const orders = new Map<number, ReadPrompt[]>();
  for (const one of read) {
    const { exampleIndex } = one.prompt;
    orders.set(exampleIndex, [...(orders.get(exampleIndex) ?? []), one]);
  }
  const scores = await scoresOf(read, grading, askGrader);
  return read.map((one, i): PromptRewards => {
    const { exampleIndex, exampleId, task, swapped, order } = one.prompt;
    const others = (orders.get(exampleIndex) ?? []).filter(({ place }) => place !== one.place);
    const isCompared = grading.reward.consistencyWeight > 0 && others.length > 0;
    const agreement = isCompared ? agreements(one, others, one.task.labels) : undefined;
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
      ...(order !== undefined && { order }),
      ...(weight !== undefined && { weight }),
    };
  });
}

function readPrompt(prompt: PromptRollouts, exampleAt: (row: number) => Example, { tasks, mode }: Grading): ReadPrompt {
  const task = required(tasks[prompt.task], `task ${prompt.task}`);
  const stored = exampleAt(prompt.exampleIndex);
  const example = shownExample(stored, prompt, task);
  const place = orderIndexOf(prompt);
  const order = required(ordersOf(stored, task)[place], 'the order shown');
  const rule = ruleFor(task, example);
  const judgments = prompt.rollouts.map((rollout) => readVerdict(rollout, rule, mode));
  return { prompt, example, task, place, order, judgments };
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
