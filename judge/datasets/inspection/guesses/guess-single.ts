/** Kinds that judge one thing: criteria, score and pointwise. */
import { numberOf } from '../../../kinds/label-numbers.ts';
import { contextImages } from './candidate-columns.ts';
import type { ColumnFacts } from '../facts/column-facts.ts';
import { isAboutRow, type LabelColumn, labelValueMax } from './label-columns.ts';
import { labelsOfNumbers } from './number-labels.ts';
import { placesOfValues } from './place-values.ts';
import type { Guesser, Seen, TaskGuess } from './task-guess.ts';
import { labelsOfValues } from './value-labels.ts';
import { valueCounts } from '../facts/value-counts.ts';

/** Whole numbers up to this many different ones are labels of their own. */
const wholeLabelMax = 11;
const likelyWeight = 80;

function single(seen: Seen, { name }: ColumnFacts): Pick<TaskGuess, 'label' | 'asked' | 'images' | 'used'> {
  return { label: name, asked: name, images: contextImages(seen, []), used: [name] };
}

const classNames = /label|class|category|type|target|gold|^y$/i;

/** Numbers that are more or less of something. `isChosen`: whether the user names kind or label. */
export function scoreOf(seen: Seen, { column, weight }: LabelColumn, isChosen: boolean): TaskGuess | undefined {
  const { numbers, distinctCount, shapes, presentCount, name } = column;
  if (numbers === undefined || (shapes.number ?? 0) < 0.95 * presentCount || numbers.min === numbers.max)
    return undefined;
  const isFew = numbers.isWhole && distinctCount <= wholeLabelMax;
  if (!isChosen && (weight < likelyWeight - 1 || (isFew && (distinctCount < 3 || classNames.test(name)))))
    return undefined;
  const { labels, isReal } = labelsOfNumbers(numbers, wholeLabelMax);
  const how = isReal ? 'any number from the first label to the last is a verdict' : 'whole numbers';
  const notes = [`\`${name}\` is a number (${valueCounts(column)}): a score, ${how}.`];
  return { kind: 'score', labels, ...(isReal && { real: true }), ...single(seen, column), notes };
}

/** A column of few values. */
export function pointwiseOf(seen: Seen, { column }: LabelColumn, isChosen: boolean): TaskGuess | undefined {
  const { values, name, distinctCount } = column;
  const valueMax = isChosen ? 2 * labelValueMax : labelValueMax;
  if (values === undefined || distinctCount > valueMax || distinctCount < 2) return undefined;
  const { unanswered, ...found } = labelsOfValues(values);
  if (found.labels.length < 2) return undefined;
  const leaveOut = unanswered.length > 0 && { leaveOut: { [name]: unanswered } };
  const notes = [`\`${name}\` has ${distinctCount} values (${valueCounts(column)}).`];
  const isNumeric = found.labels.every((text) => numberOf(text) !== undefined);
  if (!isNumeric && placesOfValues([...values.keys()], 2) !== undefined)
    notes.push('Two things are compared, which the rows do not hold: with them, the kind is pairwise.');
  if (found.labels.length > 2 && isNumeric)
    notes.push('If these numbers are more or less of something, the kind is score.');
  return { kind: 'pointwise', ...found, ...leaveOut, ...single(seen, column), notes };
}

const criterionCountMax = 8;
const sharedValueMax = 10;

/** Several columns with the same few values, if none of them is the label by its name. */
export const guessCriteria: Guesser = (seen, label) => {
  if (label !== undefined || seen.labels.some(({ weight }) => weight >= 90)) return undefined;
  const few = seen.facts.columns.filter(
    ({ name, values, shape, missingCount }) =>
      values !== undefined &&
      values.size >= 2 &&
      values.size <= sharedValueMax &&
      shape !== 'boolean' &&
      missingCount === 0 &&
      !name.includes('.') &&
      !isAboutRow(name),
  );
  const [first] = few;
  if (first === undefined) return undefined;
  const alike = few.filter(({ values }) => {
    const both = new Set([...(first.values ?? new Map()).keys(), ...(values ?? new Map()).keys()]);
    return (
      both.size <= sharedValueMax &&
      [...(values ?? new Map()).keys()].some((value) => first.values?.has(value as string) === true)
    );
  });
  if (alike.length < 2 || alike.length > criterionCountMax) return undefined;
  const values = new Map(alike.flatMap((column) => [...(column.values ?? [])]));
  if (values.size > sharedValueMax) return undefined;
  const labels = [...values.keys()].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
  const names = alike.map(({ name }) => name);
  return {
    ...{ kind: 'criteria', labels, criteria: Object.fromEntries(names.map((name) => [name, null])) },
    label: { criteria: Object.fromEntries(names.map((name) => [name, name])) },
    ...{ asked: names.join(', '), images: contextImages(seen, []), used: names },
    notes: [
      `${names.map((name) => `\`${name}\``).join(', ')} have the same few values (${labels.join(', ')}): a criterion each.`,
    ],
  };
};
