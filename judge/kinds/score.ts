/** Kind score: labels are numbers, and a verdict is better the nearer it is to the label. */
import { z } from 'zod';
import type { Kind, KindTask, RowLabel, UnknownLabel } from './kind.ts';
import { ascend, closeness, isWithin, nearestLabel, numberOf } from './label-numbers.ts';
import { decimalOf, isNear, partOfRange, readInRange } from './number-range.ts';
import { labelOfField, named } from './row-label.ts';
import { rangeFields } from './range-fields.ts';

const fields = {
  ...rangeFields,
  real: z
    .boolean()
    .optional()
    .describe(
      'Scores only: any number from the first label to the last is a verdict; where classes are counted it ' +
        'is the nearest label.',
    ),
  tiesScoreBy: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Scores only: row field that names a prompt as `ref:N` or `tied:N`, for the Ties score of RewardBench 2. Each row ' +
        'is one answer to the prompt, and correct if its label is the last one.',
    ),
};

const rewardFields = {
  score: z
    .enum(['distance', 'exact'])
    .default('distance')
    .describe('Score tasks. distance: 1 - |verdict - label| / (greatest - least label). exact: 1 or 0.'),
};

export const score = {
  meaning: 'how much; the labels are numbers, least first, or any number of a `range`.',
  fields,
  rewardFields,
  orders: () => [[0]],
  labelsArePlaces: false,
  labelsProblem(labels) {
    const numbers = labels.map((label) => (/^-?\d+(\.\d+)?$/.test(label) ? Number(label) : NaN));
    return ascend(numbers) ? undefined : 'numbers in quotes, the lowest first';
  },
  taskProblem({ range, real, tolerance }) {
    if (range !== undefined && real !== undefined)
      return { field: 'real', found: real, allowed: 'nothing, because the task has a range' };
    if (range !== undefined || tolerance === undefined) return undefined;
    return { field: 'tolerance', found: tolerance, allowed: 'nothing without range: labels are right or wrong' };
  },
  isLabel(label, { labels, range }) {
    if (range === undefined) return labels.includes(label);
    const read = readInRange(label, range);
    return typeof read === 'object' && read.verdict === label;
  },
  stratumOf: (label, { range }) => (range === undefined ? label : partOfRange(label, range)),
  isRight: (verdict, label, { range, tolerance }) =>
    range === undefined ? verdict === label : isNear(verdict, label, tolerance),
  takesTwoLabelFields: false,
  labelOf(row, rule, task) {
    const { field, labelMap, labelThresholds } = rule;
    const isMapped = labelThresholds !== undefined || Object.values(labelMap).some((label) => label !== null);
    const leftOut = Object.keys(labelMap);
    const isNumber =
      !isMapped && typeof field === 'string' && (leftOut.length === 0 || named(row.text(field), leftOut) === undefined);
    if (isNumber) return labelOfNumber(row.number(field), field, task);
    const found = labelOfField(row, rule, task);
    if ('unknown' in found) return found;
    return task.range === undefined
      ? { score: Number(found.label), ...found }
      : { label: found.label, score: Number(found.label) };
  },
  verdictReader({ real, labels, range }) {
    if (range !== undefined) return (text) => readInRange(text, range);
    if (real !== true) return undefined;
    return (text) => {
      const value = numberOf(text);
      if (value === undefined) return 'verdict-not-a-label';
      if (!isWithin(value, labels)) return 'verdict-out-of-range';
      return { verdict: nearestLabel(value, labels), score: value };
    };
  },
  closeness(judgment, example, { labels }, reward) {
    if (reward.score !== 'distance') return undefined;
    const said = judgment.score ?? Number(judgment.verdict);
    return closeness(said, example.score ?? Number(example.label), labels);
  },
  votesAre: 'numbers',
  metrics: ['label', 'people', 'number', 'ties-score'],
  gateMetrics: ['balancedAccuracy', 'cohenKappa', 'krippendorffAlpha'],
  variantOf({ range }) {
    if (range === undefined) return undefined;
    return {
      metrics: ['range', 'people', 'number', 'ties-score'],
      gateMetrics: ['krippendorffAlpha'],
      hasForcedChoice: false,
    };
  },
  words: { examples: 'examples' },
} as const satisfies Kind<typeof fields, typeof rewardFields>;

function labelOfNumber(
  value: number,
  field: string,
  { labels, real, range }: KindTask<typeof fields>,
): RowLabel | UnknownLabel {
  if (range !== undefined) {
    const read = readInRange(decimalOf(value), range);
    if (typeof read === 'object') return { label: read.verdict, score: read.score };
    return { unknown: `${field} is ${value}, not a number from ${range[0]} to ${range[1]}` };
  }
  const label = nearestLabel(value, labels);
  if (isWithin(value, labels) && (real === true || Number(label) === value)) return { label, score: value };
  const allowed =
    real === true ? `a number from ${labels[0]} to ${labels.at(-1) ?? ''}` : `one of ${labels.join(', ')}`;
  return { unknown: `${field} is ${value}, not ${allowed}` };
}
