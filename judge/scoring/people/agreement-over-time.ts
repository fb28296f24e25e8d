/**
 * How often judges agree with people, by the week or month in which the people gave their labels. Only labels of
 * examples that were chosen at random count: the others were chosen because judges are unsure of them.
 */
import type { TaskSpec } from '../../../recipes/recipe.ts';
import { wilsonInterval } from '../../evaluation/statistics/wilson.ts';
import { isRight } from '../../kinds/table.ts';
import type { JudgedVerdict } from '../score-judges.ts';
import type { GivenLabel } from './read-people.ts';

export const periods = ['week', 'month'] as const;
export type Period = (typeof periods)[number];

export interface AgreementOverTime {
  readonly by: Period;
  readonly people: number;
  readonly labelCount: number;
  readonly randomCount: number;
  /** Oldest first; periods without labels that count are absent. */
  readonly periods: readonly PeriodAgreement[];
}

export interface PeriodAgreement {
  /** `2026-11`; of a week, the date of its Monday. */
  readonly period: string;
  readonly judges: readonly {
    readonly judge: string;
    /** Labels of rows that the judge has judged. */
    readonly labelCount: number;
    /** Groups of examples, which the interval is of. */
    readonly groupCount: number;
    /** Mean over groups of the share of labels that the verdict agrees with. */
    readonly agreement: number;
    readonly ci95: readonly [number, number];
  }[];
}

/**
 * @param verdicts by judge; those in the order of the row count, in which people see candidates
 * @param periodOf of a time, ISO 8601: texts in whose order periods are listed
 */
export function agreementOverTime(
  labels: readonly GivenLabel[],
  verdicts: ReadonlyMap<string, readonly JudgedVerdict[]>,
  spec: TaskSpec,
  by: Period,
  periodOf: (at: string, by: Period) => string,
): AgreementOverTime {
  const random = labels.filter(({ isRandom }) => isRandom);
  const judges = [...verdicts].map(([judge, given]) => {
    const first = new Map<string, JudgedVerdict>();
    for (const one of given) if (one.order === 0 && !first.has(one.rowId)) first.set(one.rowId, one);
    return { judge, first };
  });
  const byPeriod = new Map<string, GivenLabel[]>();
  for (const label of random) {
    const period = periodOf(label.at, by);
    const own = byPeriod.get(period);
    if (own) own.push(label);
    else byPeriod.set(period, [label]);
  }
  return {
    ...{ by, people: new Set(labels.map((label) => label.by)).size },
    ...{ labelCount: labels.length, randomCount: random.length },
    periods: [...byPeriod]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([period, given]) => ({
        period,
        judges: judges.flatMap(({ judge, first }) => {
          const found = agreementWith(given, first, spec);
          return found === undefined ? [] : [{ judge, ...found }];
        }),
      })),
  };
}

function agreementWith(labels: readonly GivenLabel[], verdicts: ReadonlyMap<string, JudgedVerdict>, spec: TaskSpec) {
  const groups = new Map<string, boolean[]>();
  for (const { rowId, groupKey, label } of labels) {
    const judgment = verdicts.get(rowId)?.judgment;
    if (judgment === undefined) continue;
    const agrees = judgment.ok && isRight(spec, judgment.verdict, label);
    const own = groups.get(groupKey);
    if (own) own.push(agrees);
    else groups.set(groupKey, [agrees]);
  }
  if (groups.size === 0) return undefined;
  const shares = [...groups.values()].map((each) => each.filter(Boolean).length / each.length);
  const agreement = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const labelCount = [...groups.values()].reduce((sum, each) => sum + each.length, 0);
  return { labelCount, groupCount: groups.size, agreement, ci95: wilsonInterval(agreement, groups.size) };
}
