/** All metrics, in groups. A task kind names the groups that score its tasks. */
import { required } from '../../core/assert.ts';
import type { Intersection } from '../../core/intersection.ts';
import type { MetricGroup } from '../kinds/table.ts';
import { absoluteErrorScores } from './absolute-error.ts';
import { accuracyScore } from './accuracy.ts';
import { baseRateScores } from './base-rates.ts';
import { baselineScores } from './baselines.ts';
import { balancedAccuracyScore } from './balanced-accuracy.ts';
import { cohenKappaScore } from './cohen-kappa.ts';
import { confusionScore } from './confusion.ts';
import { correlationScores } from './correlation.ts';
import { criteriaScores } from './criteria.ts';
import { forcedScores } from './forced-choice.ts';
import { accPlusScores } from './groups/acc-plus.ts';
import { tiesScores } from './groups/ties-score.ts';
import { macroF1Score, perClassScores } from './macro-f1.ts';
import { majorityScore } from './majority.ts';
import type { Metric } from './metric.ts';
import { allOrders } from './order.ts';
import { alphaScores } from './people/alpha.ts';
import { humanCeilingScores } from './people/human-ceiling.ts';
import { rankingScores } from './ranking.ts';
import { rationaleScores } from './rationale-agreement.ts';
import { intervalScore } from './statistics/bootstrap.ts';
import { tieScores } from './ties.ts';
import { unparsableScores } from './unparsable.ts';

const metrics = {
  /** For tasks whose verdict is one of the labels. */
  label: {
    macroF1: macroF1Score,
    interval: intervalScore,
    accuracy: accuracyScore,
    majority: majorityScore,
    unparsable: unparsableScores,
    balancedAccuracy: balancedAccuracyScore,
    cohenKappa: cohenKappaScore,
    baseRates: baseRateScores,
    perClass: perClassScores,
    confusion: confusionScore,
    correlation: correlationScores,
    rationales: rationaleScores,
    forcedChoice: forcedScores,
    accPlus: accPlusScores,
  },
  /** For tasks whose rows may have votes of several people. */
  people: {
    alpha: alphaScores,
    humanCeiling: humanCeilingScores,
  },
  /** For tasks whose examples are evaluated in several orders. */
  order: {
    order: allOrders,
    baselines: baselineScores,
  },
  /** For pairs, of which some may be ties. */
  ties: {
    ties: tieScores,
  },
  /** For several criteria in one verdict. */
  criteria: {
    criteria: criteriaScores,
    unparsable: unparsableScores,
    accPlus: accPlusScores,
  },
  /** For orders of candidates. */
  ranking: {
    ranking: rankingScores,
  },
  /** For tasks whose verdict is any number of a range. */
  range: {
    accuracy: accuracyScore,
    unparsable: unparsableScores,
    correlation: correlationScores,
    accPlus: accPlusScores,
  },
  /** For verdicts that are numbers. */
  number: {
    absoluteError: absoluteErrorScores,
  },
  /** For numbers of several answers to a prompt. */
  'ties-score': {
    tiesScore: tiesScores,
  },
} satisfies Readonly<Record<MetricGroup, Readonly<Record<string, Metric>>>>;

type Groups = typeof metrics;
type ScoresIn<Group> =
  Group extends Readonly<Record<string, infer Each>> ? (Each extends Metric<infer Scores> ? Scores : never) : never;

/** The scores of all metrics of all groups. */
export type MetricScores = Intersection<ScoresIn<Groups[MetricGroup]>>;

export function metricsOf(groups: readonly string[]): Metric[] {
  const table: Readonly<Record<string, Readonly<Record<string, Metric>>>> = metrics;
  return groups.flatMap((group) => Object.values(required(table[group], `metrics of the group ${group}`)));
}
