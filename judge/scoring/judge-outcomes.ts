/** What the joint bootstrap needs of one judge's verdicts. */
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { JudgedExample } from '../evaluation/metric.ts';
import { numberPairs } from '../evaluation/number-pairs.ts';
import { orderScores, ordersByExample } from '../evaluation/order.ts';
import { outcomeOf } from '../evaluation/outcome.ts';
import { taskScores } from '../evaluation/scores.ts';
import { kindOf } from '../kinds/table.ts';
import type { JudgeOutcome } from './joint-bootstrap.ts';

/** By example and order, so that judges are compared on the same ones. */
export function judgeOutcomes(
  task: string,
  spec: TaskSpec,
  judged: readonly JudgedExample[],
): ReadonlyMap<string, JudgeOutcome> {
  const orders = ordersByExample(judged);
  return new Map(
    judged.map((one): [string, JudgeOutcome] => {
      const { example, judgment } = one;
      const whole = orders.get(example.id);
      const scores = whole && orderScores([whole], spec.labels);
      const means = {
        ...(scores && {
          consistencyRate: scores.consistencyRate,
          consistentAccuracy: scores.consistentAccuracy,
        }),
        unparsableRate: Number(!judgment.ok),
      };
      const outcome = { ...outcomeOf(example, judgment, spec), clusterKey: example.groupKey };
      return [example.id, { ...outcome, ...partly(task, spec, one, means), ...numbersOf(spec, one) }];
    }),
  );
}

function numbersOf(spec: TaskSpec, one: JudgedExample): Pick<JudgeOutcome, 'numbers'> {
  if (!kindOf(spec).metrics.includes('number')) return {};
  const [pair] = numberPairs([one], spec.labels);
  return pair?.said === undefined ? {} : { numbers: { given: pair.given, said: pair.said } };
}

/** Verdicts of some kinds may be right in part: the scores of one example are its values of their means. */
function partly(
  task: string,
  spec: TaskSpec,
  one: JudgedExample,
  means: Readonly<Record<string, number>>,
): Pick<JudgeOutcome, 'right' | 'means'> {
  const { metrics } = kindOf(spec);
  if (!metrics.includes('ranking') && !metrics.includes('criteria')) return { means };
  const { reordered: _, ...judged } = one;
  const scores = taskScores({ task, spec, split: 'test', judged: [judged], resampleCount: 1, seed: 0 });
  const { accuracy, exactRate, pairAccuracy, editDistance } = scores;
  return {
    right: accuracy,
    means: {
      ...means,
      ...(exactRate !== undefined && { exactRate }),
      ...(pairAccuracy !== undefined && { pairAccuracy }),
      ...(editDistance !== undefined && { editDistance }),
    },
  };
}
