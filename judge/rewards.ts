/** R = (1 - a) accuracy + a format, accuracy gated on format (arXiv 2603.11665; a is not published), and what an arm may put in accuracy's place. */
import { assert } from '../core/assert.ts';
import type { RewardSpec } from '../recipes/fields/reward-fields.ts';
import type { KindedTask } from '../recipes/fields/task-fields.ts';
import type { Example, Judgment, Reward } from './example.ts';
import { kindOf } from './kinds/table.ts';

/** Reward of a judgment against the example's label; `formatWeight` is a, in [0, 1]. */
export function rewardOf(judgment: Judgment, label: string, formatWeight: number): Reward {
  assert(formatWeight >= 0 && formatWeight <= 1, `format weight ${formatWeight} is not in [0, 1]`);
  if (!judgment.ok) return { value: 0, accuracy: 0, format: 0, unparsable: judgment.reason };
  const accuracy = judgment.verdict === label ? 1 : 0;
  return { value: (1 - formatWeight) * accuracy + formatWeight, accuracy, format: 1 };
}

/** How an arm rewards: parts of the arm. */
export interface RewardRule {
  readonly formatWeight: number;
  readonly reward: RewardSpec;
  /** The longest a completion can be. */
  readonly tokenCountMax: number;
}

/** A rollout that has been read, and what others say of it. */
export interface JudgedCompletion {
  readonly judgment: Judgment;
  readonly tokenCount: number;
  /** Pairs sampled in both orders: share of the other order's verdicts that choose the same picture. */
  readonly agreement?: number;
  /** An external grader's, in [0, 1]. */
  readonly graderScore?: number;
}

/**
 * The reward with all that the rule asks for; its parts are kept beside its value. Below 0 only by the penalty for
 * overlong completions, which unreadable ones pay as well.
 */
export function ruledReward(
  completion: JudgedCompletion,
  example: Pick<Example, 'label' | 'score'>,
  task: KindedTask,
  rule: RewardRule,
): Reward {
  const { judgment, tokenCount, agreement, graderScore } = completion;
  const plain = rewardOf(judgment, example.label, rule.formatWeight);
  const penalty = overlongPenalty(tokenCount, rule);
  const priced = penalty > 0 ? { overlongPenalty: penalty } : {};
  if (!judgment.ok) return { ...plain, value: plain.value - penalty, ...priced };
  const { consistencyWeight, grader } = rule.reward;
  const near = kindOf(task).closeness?.(judgment, example, task, rule.reward);
  let part: number = near ?? plain.accuracy;
  if (agreement !== undefined) part = (1 - consistencyWeight) * part + consistencyWeight * agreement;
  if (graderScore !== undefined && grader !== undefined)
    part = (1 - grader.weight) * part + grader.weight * graderScore;
  return {
    ...plain,
    value: (1 - rule.formatWeight) * part + rule.formatWeight - penalty,
    ...(near !== undefined && { closeness: near }),
    ...(agreement !== undefined && { agreement }),
    ...(graderScore !== undefined && { graderScore }),
    ...priced,
  };
}

/** Grows evenly from nothing to `penalty` (soft overlong punishment of DAPO, arXiv 2503.14476). */
function overlongPenalty(tokenCount: number, { reward: { overlong }, tokenCountMax }: RewardRule): number {
  if (overlong === undefined) return 0;
  const share = (tokenCount - overlong.fromTokenCount) / (tokenCountMax - overlong.fromTokenCount);
  return overlong.penalty * Math.min(1, Math.max(0, share));
}

/** For each judgment of a pair, the share of the other order's judgments that choose the same picture, which there has the other label. */
export function agreements(judgments: readonly Judgment[], swapped: readonly Judgment[]): number[] {
  return judgments.map((judgment) => {
    if (!judgment.ok || swapped.length === 0) return 0;
    const same = swapped.filter((other) => other.ok && other.verdict !== judgment.verdict);
    return same.length / swapped.length;
  });
}
