/** Scores of another mode or a probe, compared with the strict answers to the same examples. */
import { assert } from '../../core/assert.ts';
import type { Rng } from '../../core/rng.ts';
import { accuracyOf } from './accuracy.ts';
import { macroF1Interval } from './statistics/bootstrap.ts';
import { macroF1 } from './macro-f1.ts';
import type { KindedTask } from '../../recipes/fields/task-fields.ts';
import { classLabels } from '../kinds/table.ts';
import type { JudgedExample } from './metric.ts';
import { outcomeOf } from './outcome.ts';
import type { VariantScores } from './task-scores.ts';

/** `asked` and `strict` hold the same examples in the same order; labels are those of the strict examples. */
export function variantScores(
  name: string,
  asked: readonly JudgedExample[],
  strict: readonly JudgedExample[],
  task: KindedTask,
  resampleCount: number,
  rng: Rng,
): VariantScores {
  assert(asked.length === strict.length && asked.length > 0, `answers to ${name} and strict ones to the same examples`);
  const outcomesOf = (judged: readonly JudgedExample[]) =>
    judged.map(({ judgment }, i) => {
      const example = strict[i]?.example;
      assert(example !== undefined, 'an example for every answer');
      return { ...outcomeOf(example, judgment, task), clusterKey: example.groupKey };
    });
  const { labels } = task;
  const [outcomes, strictOutcomes] = [outcomesOf(asked), outcomesOf(strict)];
  const share = (count: number): number => count / asked.length;
  return {
    name,
    scores: {
      exampleCount: strict.filter(({ reordered }) => reordered === undefined).length,
      ...(classLabels(task).length === 0
        ? { strictAccuracy: accuracyOf(strictOutcomes) }
        : {
            macroF1: macroF1(outcomes, labels),
            ci95: macroF1Interval(outcomes, labels, resampleCount, rng),
            strictMacroF1: macroF1(strictOutcomes, labels),
          }),
      accuracy: accuracyOf(outcomes),
      sameVerdictRate: share(outcomes.filter(({ predicted }, i) => predicted === strictOutcomes[i]?.predicted).length),
      unparsableRate: share(asked.filter(({ judgment }) => !judgment.ok).length),
      truncatedRate: share(asked.filter(({ judgment }) => !judgment.ok && judgment.reason === 'truncated').length),
    },
  };
}
