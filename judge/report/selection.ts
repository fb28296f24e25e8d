/** Which checkpoint validation selected in each run, and how the scores on the validation split went. */
import type { ReportData, ReportRun } from './data.ts';
import { points } from './format.ts';
import { type Html, html } from './html.ts';
import { plainTable } from './tables/plain-table.ts';
import { lineChart } from './charts/plot.ts';
import { seriesIndexOf } from './series.ts';

export function hasSelection({ runs }: ReportData): boolean {
  return runs.some(({ selection }) => selection !== undefined);
}

export function selectionSection(data: ReportData): Html {
  const selected = data.runs.filter(({ selection }) => selection !== undefined);
  const lines = selected.map((run) => ({
    name: run.runName,
    colour: `var(--s${String(seriesIndexOf(data.runs, run))})`,
    values: (run.selection?.validations ?? []).map(({ step, score }) => ({ step, value: score })),
  }));
  return html`${plainTable(
      ['run', 'split', 'metric', 'selected after', 'its score', 'last step', 'its score', 'end'],
      selected.map(selectionCells),
    )}
    <figure class="chart">
      <figcaption>Validation<small>mean over the trained tasks</small></figcaption>
      ${lineChart({ lines, range: [0, 1], width: 720, height: 220 })}
    </figure>`;
}

function selectionCells({ runName, selection }: ReportRun): string[] {
  if (selection === undefined) return [runName];
  const { split, metric, best, last, endedEarly } = selection;
  return [
    ...[runName, split, metric === 'macroF1' ? 'Macro-F1' : 'accuracy'],
    ...[`${String(best.step)} steps`, points(best.score), `${String(last.step)} steps`, points(last.score)],
    endedEarly ? 'early, at a plateau' : 'as planned',
  ];
}
