/** The rows of a dataset that are not examples, by the reason. */
import { MtrlError } from '../../../core/errors.ts';
import type { RejectedRow } from '../reading.ts';

interface Rejected {
  count: number;
  readonly first: RejectedRow;
}

export class Rejects {
  /** All rows of the dataset. */
  rowCount = 0;
  readonly byCode = new Map<RejectedRow['code'], Rejected>();

  add(row: RejectedRow): void {
    const known = this.byCode.get(row.code);
    if (known === undefined) this.byCode.set(row.code, { count: 1, first: row });
    else known.count++;
  }

  /**
   * DATASET_QUARANTINE_CEILING if more than this share of the rows cannot be used. Rows left out on purpose are neither
   * unusable nor among the rows.
   */
  checkCeiling(rateMax: number, where: string): void {
    const unusable = [...this.byCode].filter(([code]) => code !== 'LEFT_OUT');
    const count = unusable.reduce((sum, [, rejected]) => sum + rejected.count, 0);
    const meantCount = this.rowCount - (this.byCode.get('LEFT_OUT')?.count ?? 0);
    const [first] = unusable;
    if (first === undefined || count <= rateMax * meantCount) return;
    throw new MtrlError('DATASET_QUARANTINE_CEILING', `${count} of ${meantCount} rows cannot be used`, {
      where,
      found: `${unusable.map(countText).join(', ')}; the first: ${rowText(first[1].first)}`,
      hint: `correct the rows, or allow more with quarantineRateMax (now ${rateMax})`,
    });
  }
}

/** Codes to name; the rest are counted in the quarantine table. */
const namedCodeCount = 3;

/** Why datasets have no example, the commonest reason first, and a row of that reason. */
export function reasonsText(sources: readonly Rejects[]): { readonly summary: string; readonly first?: string } {
  const rowCount = sources.reduce((sum, rejects) => sum + rejects.rowCount, 0);
  const totals = new Rejects();
  for (const [code, { count, first }] of sources.flatMap(({ byCode }) => [...byCode])) {
    const known = totals.byCode.get(code);
    totals.byCode.set(code, { count: count + (known?.count ?? 0), first: known?.first ?? first });
  }
  const sorted = [...totals.byCode].sort(([, a], [, b]) => b.count - a.count);
  const [commonest] = sorted;
  if (commonest === undefined) return { summary: rowCount === 0 ? 'there are no rows' : 'no row is in it' };
  const rows = `of ${rowCount} ${rowCount === 1 ? 'row' : 'rows'}`;
  return {
    summary: `${rows}, ${sorted.slice(0, namedCodeCount).map(countText).join(', ')}`,
    first: rowText(commonest[1].first),
  };
}

const countText = ([code, { count }]: readonly [string, Rejected]): string => `${count} ${code}`;
const rowText = ({ source, row, reason }: RejectedRow): string => `${source} row ${row}: ${reason}`;
