/** The values of a column with their counts, in words. */
import type { ColumnFacts } from './column-facts.ts';

const shownValueMax = 6;
const shownLengthMax = 40;

/** `yes 12, no 9`; for numbers with many values their range. */
export function valueCounts({ values, numbers, distinctCount, isDistinctCapped }: ColumnFacts): string {
  const distinct = `${isDistinctCapped ? 'more than ' : ''}${distinctCount} different values`;
  if (values === undefined || values.size > 2 * shownValueMax)
    return numbers === undefined ? distinct : `${distinct} from ${numbers.min} to ${numbers.max}`;
  const shown = [...values].slice(0, shownValueMax).map(([value, count]) => `${shortened(value)} ${count}`);
  const rest = values.size - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

const shortened = (text: string): string => (text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text);
