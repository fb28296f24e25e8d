/** Labels of a column of few values, and the map that makes labels of the values where they differ. */
import { numberOf } from '../../../kinds/label-numbers.ts';

export interface ValueLabels {
  readonly labels: readonly string[];
  readonly labelMap?: Readonly<Record<string, string>>;
  /** Values of rows that a labeller did not answer. */
  readonly unanswered: readonly string[];
}

const truths: Readonly<Record<string, string>> = {
  true: 'yes',
  false: 'no',
  '1': 'yes',
  '0': 'no',
  yes: 'yes',
  no: 'no',
};
const unansweredValue = /^(skip|skipped|ignore|ignored|cancell?ed|n\/a|null|nan)$/i;
const wordsOfTruth = [
  ['true', 'false'],
  ['1', '0'],
  ['yes', 'no'],
];

/** The same for `True`, ` true` and `true`, and for `1.0` and `1`. */
function plain(value: string): string {
  const number = numberOf(value);
  return number === undefined ? value.trim().toLowerCase() : String(number);
}

/** @param values with their counts, the commonest first */
export function labelsOfValues(values: ReadonlyMap<string, number>): ValueLabels {
  const unanswered = [...values.keys()].filter((value) => unansweredValue.test(value.trim()));
  const answered = [...values.keys()].filter((value) => !unanswered.includes(value));
  const kinds = new Set(answered.map(plain));
  const isTruth = kinds.size === 2 && wordsOfTruth.some((pair) => pair.every((word) => kinds.has(word)));
  const labelOf = new Map<string, string>();
  for (const value of answered) {
    const key = plain(value);
    if (!labelOf.has(key)) labelOf.set(key, isTruth ? (truths[key] ?? key) : sayable(value, [...labelOf.values()]));
  }
  const labels = ordered([...labelOf.values()], isTruth);
  const map = Object.fromEntries(answered.map((value) => [value, labelOf.get(plain(value)) ?? value]));
  const needsMap = Object.entries(map).some(([value, label]) => value !== label);
  return { labels, ...(needsMap && { labelMap: map }), unanswered };
}

/** A label that an answer can carry: on one line, without tags and outer white space. */
function sayable(value: string, taken: readonly string[]): string {
  const text =
    numberOf(value) === undefined
      ? value
          .replace(/[<>\p{Cc}]+/gu, ' ')
          .replace(/\s+/g, ' ')
          .trim()
      : plain(value);
  if (text !== '' && !taken.includes(text)) return text;
  return `label-${taken.length + 1}`;
}

function ordered(labels: readonly string[], isTruth: boolean): readonly string[] {
  if (isTruth) return ['yes', 'no'];
  const isNumeric = labels.every((label) => numberOf(label) !== undefined);
  return isNumeric ? [...labels].sort((a, b) => Number(a) - Number(b)) : labels;
}
