/** Columns that may be the label, the likeliest first. */
import type { ColumnFacts } from '../facts/column-facts.ts';
import type { TableFacts } from '../facts/table-facts.ts';

export const labelValueMax = 20;

export interface LabelColumn {
  readonly column: ColumnFacts;
  /** 100: named as a label; 95: as a verdict of people; 90 and 80: as a measure; 30: few values and no more. */
  readonly weight: number;
}

const wordOf = (words: string): RegExp => new RegExp(`(?:^|[^a-z])(?:${words})(?:$|[^a-z])`, 'i');

const exact = /^(labels?|gold|target|verdict|ground_?truth|gt|gold_label|y)$/i;
const verdicts =
  /^((human|user|annotator|final|majority)[_ -]?)?(vote|preference|preferred|winner|choice|answer|rating|score|judge?ment|overall|avg|mean|label|verdict|correct_answer|correct_option|best)$/i;
const endsAsLabel = /[_ -]label$/i;
const measures = wordOf(
  'labels?|verdict|vote|ratings?|score|mos|sentiment|polarity|class|category|quality|grade|stars|safe|safety|toxic|correct|correctness|helpful|mean|avg|average|agg|preference|winner|best|answer',
);
/** What rows are about or come from, not what is judged of them. */
const others = wordOf(
  'id|ids|idx|index|key|uid|uuid|split|subset|fold|source|dataset|origin|model|models|method|sampling|license|lang|language|directory|permutation|count|num|n|type|has|are|fps|frames|width|height|size|length|time|date|url|path|file|filename|subcategory|share|agreement|confidence|reason|rationale|seed|version|judges?',
);

export const isAboutRow = (name: string): boolean => others.test(name) && !exact.test(name);

export function labelColumns({ columns, rowCount }: TableFacts): LabelColumn[] {
  return columns
    .flatMap((column): LabelColumn[] => {
      const weight = weightOf(column, rowCount);
      return weight === undefined ? [] : [{ column, weight }];
    })
    .sort((a, b) => b.weight - a.weight);
}

function weightOf(column: ColumnFacts, rowCount: number): number | undefined {
  const { name, shape, values, distinctCount, presentCount, numbers } = column;
  if (shape !== 'text' && shape !== 'number' && shape !== 'boolean') return undefined;
  if (presentCount < rowCount / 2 || isAboutRow(name)) return undefined;
  const isNumber = numbers !== undefined && shape === 'number';
  const isFew =
    values !== undefined && distinctCount <= labelValueMax && distinctCount <= Math.max(2, presentCount / 2);
  const base = exact.test(name)
    ? 100
    : verdicts.test(name)
      ? 95
      : endsAsLabel.test(name)
        ? 90
        : measures.test(name)
          ? 80
          : 30;
  // Members of objects are seldom what a row is judged by.
  const weight = name.includes('.') ? base / 2 : base;
  if (isFew) return distinctCount < 2 && !exact.test(name) ? undefined : weight;
  return isNumber && base >= 80 ? weight - 1 : undefined;
}
