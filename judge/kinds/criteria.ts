/** Kind criteria: one thing to judge by several criteria, each with labels of its own, in one verdict. */
import { z } from 'zod';
import { required } from '../../core/assert.ts';
import { criteriaLabel, type CriterionValues, readCriteria } from './criteria-label.ts';
import type { Kind, KindTask, LabelRule, Labels, RowLabel, RowValues, UnknownLabel } from './kind.ts';
import { ascend, closeness, numberOf } from './label-numbers.ts';
import { decimalOf, isNear, type NumberRange, partOfRange, readInRange } from './number-range.ts';
import { labelOfField } from './row-label.ts';
import { rangeFields, rangeSchema, toleranceSchema } from './range-fields.ts';

const rangedCriterion = z.strictObject({
  range: rangeSchema.describe('Least and greatest number.'),
  tolerance: toleranceSchema.describe('As that of a task.'),
});

const fields = {
  ...rangeFields,
  criteria: z
    .record(
      z.string().regex(/^[^:,;\n]+$/, 'a name without `:`, `,` and `;`'),
      z
        .union([z.array(z.string().min(1)).min(2), rangedCriterion])
        .nullable()
        .describe("Its labels, or a range; null: the task's labels, or its range."),
    )
    .optional()
    .describe('Criteria only: name -> what its verdict may be, in the order of an answer.'),
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

/** What a verdict on one criterion may be. */
export interface Criterion {
  /** The ends of the range, if there is one. */
  readonly labels: Labels;
  readonly range?: NumberRange;
  readonly tolerance?: number | undefined;
}

/** The criteria in order. */
export function criteriaOf({
  criteria = {},
  labels,
  range: common,
  tolerance,
}: CriteriaTask): ReadonlyMap<string, Criterion> {
  return new Map(
    Object.entries(criteria).map(([name, own]): [string, Criterion] => {
      if (Array.isArray(own)) return [name, { labels: own as unknown as Labels }];
      if (own === null && common === undefined) return [name, { labels }];
      const ranged = own ?? { range: required(common, 'a range of the task'), tolerance };
      const [least, greatest] = ranged.range;
      return [name, { labels: [decimalOf(least), decimalOf(greatest)], ...ranged }];
    }),
  );
}

/** A value in its one form; undefined if it is none of the criterion. */
function readValue(text: string | undefined, { labels, range }: Criterion): string | undefined {
  if (text === undefined) return undefined;
  if (range === undefined) return labels.includes(text) ? text : undefined;
  const read = readInRange(text, range);
  return typeof read === 'object' ? read.verdict : undefined;
}

export function isRightBy({ range, tolerance }: Criterion, said: string | undefined, right: string): boolean {
  if (said === undefined) return false;
  return range === undefined ? said === right : isNear(said, right, tolerance);
}

export const criteria = {
  meaning: 'one thing to judge by several criteria, in one verdict (`clarity: 4, safe: yes`).',
  labelsMeaning: 'of the criteria that have none of their own; numbers in ascending order count by distance.',
  fields,
  rewardFields,
  orders: () => [[0]],
  labelsArePlaces: false,
  taskProblem({ criteria: named, range, tolerance }) {
    if (range === undefined && tolerance !== undefined)
      return { field: 'tolerance', found: tolerance, allowed: 'nothing without range: labels are right or wrong' };
    if (named !== undefined && Object.keys(named).length >= 2) return undefined;
    return { field: 'criteria', found: named, allowed: 'at least two criteria, because the kind is criteria' };
  },
  isLabel(label, task) {
    const [values, named] = [readCriteria(label), criteriaOf(task)];
    if (reasonOf(values, named) !== undefined) return false;
    return [...named].every(([name, each]) => readValue(values?.get(name), each) === values?.get(name));
  },
  sampleLabels: (task) => [
    criteriaLabel(new Map([...criteriaOf(task)].map(([name, { labels }]) => [name, labels[0]]))),
  ],
  stratumOf(label, task) {
    const named = criteriaOf(task);
    if ([...named.values()].every(({ range }) => range === undefined)) return label;
    const values = readCriteria(label);
    const parts = [...named].map(([name, { range }]): [string, string] => {
      const value = values?.get(name) ?? '';
      return [name, range === undefined ? value : partOfRange(value, range)];
    });
    return criteriaLabel(new Map(parts));
  },
  isRight(verdict, label, task) {
    const [said, right] = [readCriteria(verdict), readCriteria(label)];
    return [...criteriaOf(task)].every(([name, each]) => isRightBy(each, said?.get(name), right?.get(name) ?? ''));
  },
  takesTwoLabelFields: false,
  labelOf(row, rule, task) {
    const { field } = rule;
    if (typeof field !== 'object' || !('criteria' in field)) return { unknown: 'a label for each criterion is needed' };
    const values = new Map<string, string>();
    for (const [name, each] of criteriaOf(task)) {
      const own = field.criteria[name];
      if (own === undefined) return { unknown: `no field of ${name}` };
      const found = labelOfCriterion(row, { ...rule, field: own }, each);
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
      const read = [...named].map(([name, each]): [string, string] => [name, readValue(values.get(name), each) ?? '']);
      return { verdict: criteriaLabel(new Map(read)) };
    };
  },
  closeness(judgment, example, task, reward) {
    const [said, right] = [readCriteria(judgment.verdict), readCriteria(example.label)];
    const parts = [...criteriaOf(task)].map(([name, each]) => {
      const [a, b] = [said?.get(name), right?.get(name)];
      const isNumeric = reward.criteria === 'distance' && ascend(each.labels.map((label) => numberOf(label) ?? NaN));
      return isNumeric ? closeness(Number(a), Number(b), each.labels) : Number(isRightBy(each, a, b ?? ''));
    });
    return parts.reduce((sum, part) => sum + part, 0) / parts.length;
  },
  hasClasses: false,
  hasForcedChoice: false,
  metrics: ['criteria'],
  gateMetrics: ['exactRate'],
  variantOf(task) {
    const isOpen = [...criteriaOf(task).values()].every(({ range }) => range !== undefined);
    return isOpen ? { metrics: ['criteria'], gateMetrics: ['exactRate'], hasForcedChoice: false } : undefined;
  },
  words: { examples: 'examples' },
} as const satisfies Kind<typeof fields, typeof rewardFields>;

/** Why values are not those of the criteria; undefined if they are. */
function reasonOf(values: CriterionValues | undefined, named: ReadonlyMap<string, Criterion>) {
  if (values === undefined) return 'verdict-not-a-label' as const;
  const names = [...values.keys()];
  if (!names.some((name) => named.has(name))) return 'verdict-not-a-label' as const;
  if (names.some((name) => !named.has(name))) return 'criterion-extra' as const;
  if (names.length < named.size) return 'criterion-missing' as const;
  const isRead = [...named].every(([name, each]) => readValue(values.get(name), each) !== undefined);
  if (isRead) return undefined;
  const isOutside = [...named].some(
    ([name, { range }]) => range && readInRange(values.get(name) ?? '', range) === 'verdict-out-of-range',
  );
  return isOutside ? ('verdict-out-of-range' as const) : ('verdict-not-a-label' as const);
}

/** A number of the range as it stands in the row, or a label by the rules of the dataset. */
function labelOfCriterion(
  row: RowValues,
  rule: LabelRule & { readonly field: string },
  { labels, range }: Criterion,
): RowLabel | UnknownLabel {
  if (range === undefined) return labelOfField(row, rule, { labels });
  const { field } = rule;
  const value = row.number(field);
  const read = readInRange(decimalOf(value), range);
  if (typeof read === 'object') return { label: read.verdict };
  return { unknown: `${field} is ${value}, not a number from ${range[0]} to ${range[1]}` };
}
