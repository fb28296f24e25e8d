/** Krippendorff's alpha: of judge and label, of people, and of people with the judge as one more of them. */
import { kindOf } from '../../kinds/table.ts';
import { voteTotal } from '../../vote-counts.ts';
import type { JudgedExample, Metric } from '../metric.ts';
import { outcomeOf } from '../outcome.ts';
import { type AlphaLevel, krippendorffAlpha, type UnitRatings } from '../statistics/krippendorff.ts';
import { votedExamples } from './voted-examples.ts';

export interface PeopleAlpha {
  /** nominal; interval for numbers. */
  readonly level: AlphaLevel;
  /** Examples with at least two votes. */
  readonly exampleCount: number;
  /** Mean number of votes on these, abstentions included. */
  readonly votesPerExample: number;
  /** In (-1, 1]; absent if all votes are the same. Abstentions are missing ratings. */
  readonly people?: number;
  /** The same with the judge's verdicts in addition: lower than `people` if the judge agrees less than people do. */
  readonly withJudge?: number;
}

interface AlphaScores {
  /**
   * Judge and label as two raters. An unparsable answer is a value of its own; where distances count, a missing rating.
   */
  readonly krippendorffAlpha?: number;
  /** Present if examples have votes of several people. */
  readonly peopleAlpha?: PeopleAlpha;
}

/** Value of an unparsable answer. No label is empty. */
const unparsable = '';

export const alphaScores: Metric<AlphaScores> = ({ judged, task }) => {
  const level = kindOf(task).votesAre === 'numbers' ? 'interval' : 'nominal';
  const saidOf = ({ example, judgment }: JudgedExample): string | undefined => {
    if (level === 'nominal') return outcomeOf(example, judgment, task).predicted ?? unparsable;
    return judgment.ok ? String(judgment.score ?? judgment.verdict) : undefined;
  };
  const alpha = (units: readonly UnitRatings[]): number | undefined => krippendorffAlpha(units, level);
  const labelled = alpha(
    judged.map((one) => {
      const { label, score } = one.example;
      const right = task.real === true ? String(score ?? label) : outcomeOf(one.example, one.judgment, task).label;
      return withRating(new Map([[right, 1]]), saidOf(one));
    }),
  );
  const voted = votedExamples(judged);
  const units = voted.map(
    ({ votes }) => new Map(votes.flatMap(([vote, count]) => (vote === null ? [] : [[vote, count]]))),
  );
  const people = alpha(units);
  const withJudge = alpha(voted.map((one, i) => withRating(units[i] ?? new Map(), saidOf(one))));
  return {
    ...(labelled !== undefined && { krippendorffAlpha: labelled }),
    ...(voted.length > 0 && {
      peopleAlpha: {
        ...{ level, exampleCount: voted.length },
        votesPerExample: voted.reduce((sum, { votes }) => sum + voteTotal(votes), 0) / voted.length,
        ...(people !== undefined && { people }),
        ...(withJudge !== undefined && { withJudge }),
      },
    }),
  };
};

function withRating(ratings: UnitRatings, value: string | undefined): UnitRatings {
  if (value === undefined) return ratings;
  return new Map(ratings).set(value, (ratings.get(value) ?? 0) + 1);
}
