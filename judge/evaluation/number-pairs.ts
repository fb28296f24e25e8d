/** Numbers of people and of the judge on the same examples. */
import { numberOf } from '../kinds/label-numbers.ts';
import type { JudgedExample } from './metric.ts';

export interface NumberPair {
  /** The example's score, else its numeric label. */
  readonly given: number;
  /** The number in the answer, else the verdict; undefined if the answer is unparsable. */
  readonly said: number | undefined;
  readonly clusterKey: string;
}

/** If labels are not numeric, the judge's number is the position of its verdict in them. Examples without a human number have none. */
export function numberPairs(judged: readonly JudgedExample[], labels: readonly string[]): NumberPair[] {
  const isNumeric = labels.every((label) => numberOf(label) !== undefined);
  const place = (label: string): number => (isNumeric ? numberOf(label) : labels.indexOf(label)) ?? NaN;
  return judged.flatMap(({ example, judgment }) => {
    const given = example.score ?? (isNumeric ? numberOf(example.label) : undefined);
    if (given === undefined) return [];
    const said = judgment.ok ? (judgment.score ?? place(judgment.verdict)) : undefined;
    return [{ given, said, clusterKey: example.groupKey }];
  });
}
