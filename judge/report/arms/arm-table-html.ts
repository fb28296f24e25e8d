/** The table of arms in a report, with the sentences and tests behind its stars. */
import { type ArmTest, meanColumn } from '../../evaluation/arms/arm-scores.ts';
import type { ReportArm, ReportData } from '../data.ts';
import { interval, points, pValue, stars } from '../format.ts';
import { type Html, html } from '../html.ts';
import { intervalBar } from '../charts/interval-bar.ts';
import { plainTable } from '../tables/plain-table.ts';
import { seriesIndexOf } from '../series.ts';
import { armClaims } from './arm-claims.ts';
import { armTable, rowsOf, type TableCell, type TableColumn, tableNote } from './arm-table.ts';

export function armResults(data: ReportData): Html {
  return html`<div class="panel">${scoresByArm(data)}</div>
    <ul class="claims">
      ${armClaims(data).map(
        ({ arms, sentences }) => html`<li><b>${arms}</b>${sentences.map((sentence) => html`<p>${sentence}</p>`)}</li>`,
      )}
    </ul>
    ${allTests(data)}`;
}

function scoresByArm(data: ReportData): Html {
  const table = armTable(data);
  const seenCount = table.columns.filter(({ isUnseen }) => !isUnseen).length;
  const unseenCount = table.columns.length - seenCount;
  return html`<div class="scroll">
      <table class="scores arms">
        <thead>
          <tr>
            <th rowspan="2" class="arm">Arm</th>
            ${seenCount > 0 ? html`<th colspan="${seenCount}" class="span">in distribution</th>` : undefined}
            ${unseenCount > 0 ? html`<th colspan="${unseenCount}" class="span unseen">never trained</th>` : undefined}
          </tr>
          <tr>
            ${table.columns.map((column) => html`<th class="${classOf(column)}">${column.title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${table.rows.map(
            ({ arm, cells }) =>
              html`<tr>
                <th class="arm" scope="row">
                  <i class="dot s${seriesIndexOf(data.runs, arm)}"></i>${arm.arm}
                  <small>${armNote(arm, data.runs)}</small>
                </th>
                ${cells.map((cell, i) => cellHtml(cell, table.columns[i], seriesIndexOf(data.runs, arm)))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="muted">${tableNote(table)}</p>`;
}

function armNote({ objective, mode, isSingle, seedCount, runNames }: ReportArm, runs: ReportData['runs']): string {
  const algorithm = runs.find(({ runName }) => runNames.includes(runName))?.algorithm ?? 'reinforcement';
  const how = { none: 'as given', sft: 'supervised', rl: algorithm }[objective];
  const seeds = seedCount > 1 ? `, ${String(seedCount)} seeds` : '';
  return `${how}, ${mode}${isSingle ? ', one judge a task' : ''}${seeds}`;
}

function classOf({ name, isUnseen }: TableColumn): string {
  if (isUnseen) return 'unseen';
  return name === meanColumn ? 'mean' : '';
}

function cellHtml(cell: TableCell | undefined, column: TableColumn | undefined, series: number): Html {
  if (cell === undefined || column === undefined) return html`<td class="empty">–</td>`;
  const { value, ci95, seedDeviation, isBest, test } = cell;
  return html`<td class="${[classOf(column), isBest ? 'best' : ''].join(' ').trim()}">
    <b>${points(value)}${test === undefined ? undefined : html`<sup>${stars(test.holmP)}</sup>`}</b>
    <span class="ci">${interval(ci95)}</span>${intervalBar({ value, ci95 }, series)}${
      seedDeviation === undefined
        ? undefined
        : html`<span class="note" title="standard deviation between seeds">seeds ± ${points(seedDeviation)}</span>`
    }
  </td>`;
}

/** Every two arms of the table, in the mean over the trained tasks and in the unseen tasks. */
function allTests({ armTests, tasks, arms }: ReportData): Html | undefined {
  const unseen = tasks.filter(({ ood }) => ood).map(({ name }) => name);
  const shown = armTests.filter(({ column }) => column === meanColumn || unseen.includes(column));
  if (shown.length === 0) return undefined;
  const rowOf = ({ arm, otherArm, column, difference, ci95, holmP }: ArmTest): (string | Html)[] => [
    ...[column === meanColumn ? 'mean' : column, arm, otherArm],
    html`<b>${difference > 0 ? '+' : ''}${points(difference)}</b> ${stars(holmP)}`,
    ...[interval(ci95), pValue(holmP)],
  ];
  return html`<details>
    <summary>All paired tests of arms (${shown.length} of ${armTests.length})</summary>
    <p class="muted">
      Every two of ${rowsOf({ arms }).length} arms, in the mean over the trained tasks and in unseen tasks. Same
      examples and, where both arms have the same seeds, same seeds drawn together; Holm's correction over all columns
      of two arms.
    </p>
    ${plainTable(['column', 'arm', 'against', 'Macro-F1', '95 % interval', 'p (Holm)'], shown.map(rowOf))}
  </details>`;
}
