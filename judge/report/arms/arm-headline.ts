/** The headline numbers of the reference arm, beside those of the first arm. */
import { meanColumn } from '../../evaluation/arms/arm-scores.ts';
import type { ReportData } from '../data.ts';
import { interval, points } from '../format.ts';
import { type Html, html } from '../html.ts';
import { armTable } from './arm-table.ts';

export function armHeadline(data: Pick<ReportData, 'arms' | 'armTests' | 'tasks'>): Html | undefined {
  const { rows, columns, reference } = armTable(data);
  const [first] = rows;
  const row = rows.find(({ arm }) => arm.arm === reference);
  if (first === undefined || row === undefined) return undefined;
  const numbers = columns.map(({ name, title, isUnseen }, i) => {
    const [cell, base] = [row.cells[i], first.cells[i]];
    if (cell === undefined || !(isUnseen || name === meanColumn)) return undefined;
    const what = isUnseen ? `${title}, never trained` : 'mean of the trained tasks';
    const beside = base === undefined || first === row ? '' : `; ${first.arm.arm} ${points(base.value)}`;
    return html`<div>
      <b>${points(cell.value)} <small>${interval(cell.ci95)}</small></b
      ><small>${row.arm.arm}: ${what}${beside}</small>
    </div>`;
  });
  return html`<div class="headline">${numbers}</div>`;
}
