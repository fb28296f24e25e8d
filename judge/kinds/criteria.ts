/** Kind criteria: one thing to judge by several criteria, each with labels of its own, in one verdict. */
import { z } from 'zod';
import { criteriaLabel, type CriterionValues, readCriteria } from './criteria-label.ts';
import type { Kind, KindTask, Labels, RowLabel, UnknownLabel } from './kind.ts';
import { ascend, closeness, numberOf } from './label-numbers.ts';
import { labelOfField } from './row-label.ts';

const fields = {
  criteria: z
    .record(
      z.string().regex(/^[^:,;\n]+$/, 'a name without `:`, `,` and `;`'),
      z.array(z.string().min(1)).min(2).nullable(),
    )
    .optional()
    .describe("Criteria only: name -> its labels, in the order of an answer; null: the task's labels."),
};

const rewardFields = {
  criteria: z
    .enum(['distance', 'exact'])
    .default('distance')
    .describe(
      'Criteria tasks: mean over the criteria. distance: where labels are numbers, 1 - |verdict - label| / (greatest - ' +
        'least label); exact: 1 or 0 for each.',
    ),
};

type CriteriaTask = KindTask<typeof fields>;

/** The labels of each criterion, in order. */
export function criteriaOf({
  criteria = {},
  labels,
}: Pick<CriteriaTask, 'criteria' | 'labels'>): ReadonlyMap<string, Labels> {
  return new Map(Object.entries(criteria).map(([name, own]) => [name, (own ?? labels) as unknown as Labels]));
}

export const criteria = {
  meaning: 'one thing to judge by several criteria, in one verdict (`clarity: 4, safe: yes`).',
  labelsMeaning: 'of the criteria that have none of their own; numbers in ascending order count by distance.',
  fields,
  rewardFields,
  orders: () => [[0]],
  labelsArePlaces: false,
  taskProblem({ criteria: named }) {
    if (named !== undefined && Object.keys(named).length >= 2) return undefined;
    return { field: 'criteria', found: named, allowed: 'at least two criteria, because the kind is criteria' };
  },
  isLabel: (label, task) => reasonOf(readCriteria(label), criteriaOf(task)) === undefined,
  sampleLabels: (task) => [criteriaLabel(new Map([...criteriaOf(task)].map(([name, [first]]) => [name, first])))],
  takesTwoLabelFields: false,
  labelOf(row, rule, task) {
    const { field } = rule;
    if (typeof field !== 'object' || !('criteria' in field)) return { unknown: 'a label for each criterion is needed' };
    const values = new Map<string, string>();
    for (const [name, labels] of criteriaOf(task)) {
      const own = field.criteria[name];
      if (own === undefined) return { unknown: `no field of ${name}` };
      const found: RowLabel | UnknownLabel = labelOfField(row, { ...rule, field: own }, { labels });
      if ('unknown' in found) return found;
      values.set(name, found.label);
    }
    return { label: criteriaLabel(values) };
  },
  verdictReader(task) {
    const named = criteriaOf(task);
    return (text) => {
      const values = readCriteria(text, [...named.keys()]);
      const reason = reasonOf(values, named);
      if (values === undefined || reason !== undefined) return reason ?? 'verdict-not-a-label';
      return { verdict: criteriaLabel(new Map([...named.keys()].map((name) => [name, values.get(name) ?? '']))) };
    };
  },
  closeness(judgment, example, task, reward) {
    const [said, right] = [readCriteria(judgment.verdict), readCriteria(example.label)];
    const parts = [...criteriaOf(task)].map(([name, labels]) => {
      const [a, b] = [said?.get(name), right?.get(name)];
      const isNumeric = reward.criteria === 'distance' && ascend(labels.map((label) => numberOf(label) ?? NaN));
      return isNumeric ? closeness(Number(a), Number(b), labels) : Number(a === b);
    });
    return parts.reduce((sum, part) => sum + part, 0) / parts.length;
  },
  hasClasses: false,
  hasForcedChoice: false,
  metrics: ['criteria'],
  gateMetrics: ['exactRate'],
  words: { examples: 'examples' },
} as const satisfies Kind<typeof fields, typeof rewardFields>;

/** Why values are not those of the criteria; undefined if they are. */
function reasonOf(values: CriterionValues | undefined, named: ReadonlyMap<string, Labels>) {
  if (values === undefined) return 'verdict-not-a-label' as const;
  const names = [...values.keys()];
  if (!names.some((name) => named.has(name))) return 'verdict-not-a-label' as const;
  if (names.some((name) => !named.has(name))) return 'criterion-extra' as const;
  if (names.length < named.size) return 'criterion-missing' as const;
  const isRead = [...named].every(([name, labels]) => labels.includes(values.get(name) ?? ''));
  return isRead ? undefined : ('verdict-not-a-label' as const);
}
