/**
 * Rewards: R = (1 - a) accuracy + a format, with accuracy gated on format (arXiv 2603.11665, which does not publish a).
 * An arm may replace the accuracy part.
 */
import { assert } from '../core/assert.ts';
import type { RewardSpec } from '../recipes/fields/reward-fields.ts';
import type { KindedTask } from '../recipes/fields/task-fields.ts';
import type { Example, Judgment, Reward } from './example.ts';
import type { Labels, Order } from './kinds/kind.ts';
import { isRight, kindOf } from './kinds/table.ts';
import { verdictInRow } from './tasks/reorder.ts';

/**
 * Reward of a judgment against the example's label; `formatWeight` is a, in [0, 1]. The format of an answer with a
 * readable verdict and some wrong sections is the share of those that are right, unless `sections` says `all`.
 */
export function rewardOf(
  judgment: Judgment,
  label: string,
  formatWeight: number,
  sections: RewardSpec['sections'] = 'share',
): Reward {
  assert(formatWeight >= 0 && formatWeight <= 1, `format weight ${formatWeight} is not in [0, 1]`);
  if (!judgment.ok) {
    const format = sections === 'share' ? (judgment.sectionShare ?? 0) : 0;
    return { value: formatWeight * format, accuracy: 0, format, unparsable: judgment.reason };
  }
  const accuracy = judgment.verdict === label ? 1 : 0;
  return { value: (1 - formatWeight) * accuracy + formatWeight, accuracy, format: 1 };
}

/** The label, or the verdict if that is as good: within the tolerance of a range. */
export function rightVerdict(judgment: Judgment, { label }: Pick<Example, 'label'>, task: KindedTask): string {
  return judgment.ok && isRight(task, judgment.verdict, label) ? judgment.verdict : label;
}

/** The reward settings of an arm. */
export interface RewardRule {
  readonly formatWeight: number;
  readonly reward: RewardSpec;
  /** Maximum completion length, in tokens. */
  readonly tokenCountMax: number;
}

/** A parsed rollout, with the other inputs to its reward. */
export interface JudgedCompletion {
  readonly judgment: Judgment;
  readonly tokenCount: number;
  /** Sampled in several orders: share of the verdicts in the others that choose the same candidate, in [0, 1]. */
  readonly agreement?: number;
  /** Score of the external grader, in [0, 1]. */
  readonly graderScore?: number;
}

/**
 * Reward of a completion under all parts of the rule, with its parts. It is negative only through the overlong penalty,
 * which also applies to unparsable completions.
 */
export function ruledReward(
  completion: JudgedCompletion,
  example: Pick<Example, 'label' | 'score'>,
  task: KindedTask,
  rule: RewardRule,
): Reward {
  const { judgment, tokenCount, agreement, graderScore } = completion;
  const plain = rewardOf(judgment, rightVerdict(judgment, example, task), rule.formatWeight, rule.reward.sections);
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

/**
 * Penalty that grows linearly from 0 at `fromTokenCount` to `penalty` at `tokenCountMax` (soft overlong punishment of
 * DAPO, arXiv 2503.14476).
 */
function overlongPenalty(tokenCount: number, { reward: { overlong }, tokenCountMax }: RewardRule): number {
  if (overlong === undefined) return 0;
  const share = (tokenCount - overlong.fromTokenCount) / (tokenCountMax - overlong.fromTokenCount);
  return overlong.penalty * Math.min(1, Math.max(0, share));
}

/** Judgments of an example in one order of its candidates. */
export interface OrderJudgments {
  readonly judgments: readonly Judgment[];
  readonly order: Order;
}

/**
 * For each judgment, the share of judgments in the other orders that choose the same candidate (a tie agrees with a tie);
 * 0 for unparsable judgments.
 */
export function agreements(own: OrderJudgments, others: readonly OrderJudgments[], labels: Labels): number[] {
  const verdicts = ({ judgments, order }: OrderJudgments) =>
    judgments.map((judgment) => (judgment.ok ? verdictInRow(judgment.verdict, labels, order) : undefined));
  const elsewhere = others.flatMap(verdicts);
  return verdicts(own).map((verdict) => {
    if (verdict === undefined || elsewhere.length === 0) return 0;
    return elsewhere.filter((other) => other === verdict).length / elsewhere.length;
  });
}
