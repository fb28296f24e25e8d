/** Pages of a list that fits into memory. */
import { MtrlError } from '../../core/errors.ts';

export interface Page<T> {
  readonly rows: readonly T[];
  /** Start of the next page; absent after the last. */
  readonly next?: string;
}

/** @param after the index of the first row, as the page before says. Throws USAGE. */
export function pageOf<T>(rows: readonly T[], after = '0', rowCount = 48): Page<T> {
  const start = startOf(after);
  const end = start + rowCount;
  return { rows: rows.slice(start, end), ...(end < rows.length && { next: String(end) }) };
}

/** Throws USAGE. */
export function startOf(after: string): number {
  if (/^\d{1,9}$/.test(after)) return Number(after);
  throw new MtrlError('USAGE', 'this is no start of a page', { where: 'after', found: after, hint: 'start with 0' });
}
