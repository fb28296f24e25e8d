/** What was seen in a table, one sentence a line. */
import type { ColumnFacts } from '../facts/column-facts.ts';
import { columnCountMax } from '../facts/table-facts.ts';
import type { Seen } from '../guesses/task-guess.ts';
import { valueCounts } from '../facts/value-counts.ts';

/** Rows, duplicates and pictures. */
export function seenLines({ facts, pictures }: Seen): string[] {
  const { rowCount, unreadableCount, repeatedCount, comparedCount, unreadable, sources } = facts;
  const files = sources.length === 1 ? '' : ` in ${sources.length} files`;
  const lines = [
    `${rowCount} rows${files}${unreadableCount > 0 ? `, and ${unreadableCount} that cannot be read` : ''}.`,
  ];
  for (const reason of unreadable) lines.push(`  ${reason}`);
  if (repeatedCount > 0)
    lines.push(
      `${repeatedCount} rows repeat an earlier one${comparedCount < rowCount ? ` (of the first ${comparedCount} rows)` : ''}.`,
    );
  if (facts.areColumnsCapped) lines.push(`More than ${columnCountMax} columns: the others were not looked at.`);
  if (pictures.triedCount > 0 && pictures.foundCount > 0 && pictures.foundCount < pictures.triedCount)
    lines.push(`${pictures.foundCount} of ${pictures.triedCount} pictures that were looked for exist.`);
  if (pictures.unreadableCount > 0)
    lines.push(
      `${pictures.unreadableCount} of ${pictures.measuredCount + pictures.unreadableCount} pictures that were opened cannot be read.`,
    );
  return lines;
}

/** A column in a few words: its shape, its values, and what is missing. */
export function columnLine(column: ColumnFacts): string {
  const { shape, missingCount, list, meanLength, presentCount } = column;
  const missing = missingCount > 0 && presentCount > 0 ? `, ${missingCount} missing` : '';
  return `${shape}${missing}${detailOf()}`;

  function detailOf(): string {
    if (list !== undefined) {
      const { lengthMin, lengthMax, elementShape } = list;
      return ` of ${lengthMin === lengthMax ? lengthMax : `${lengthMin} to ${lengthMax}`} (${elementShape})`;
    }
    if (shape === 'text' && column.values === undefined)
      return `: ${valueCounts(column)}, ${Math.round(meanLength)} characters on average`;
    return ['text', 'number', 'boolean'].includes(shape) ? `: ${valueCounts(column)}` : '';
  }
}
