/** Steps whose numbers were bad, and what each run did about them. */
import type { ReportData, ReportRun } from './data.ts';
import { type Html, html } from './html.ts';
import { plainTable } from './plain-table.ts';

/** Rows of a run; a policy that stays collapsed has one for every step. */
const shownCountMax = 20;

export function hasIncidents({ runs }: ReportData): boolean {
  return runs.some(({ incidents }) => incidents !== undefined);
}

export function incidentSection({ runs }: ReportData): Html {
  const rows = runs.flatMap(rowsOf);
  const hidden = runs.flatMap(({ runName, incidents }) => {
    const count = (incidents?.length ?? 0) - shownCountMax;
    return count > 0 ? [`${String(count)} more in ${runName}`] : [];
  });
  return html`${plainTable(['run', 'step', 'code', 'what was done', 'found'], rows)}
  ${hidden.length > 0 ? html`<p class="muted">${hidden.join('; ')}.</p>` : undefined}`;
}

function rowsOf({ runName, incidents = [] }: ReportRun): string[][] {
  return incidents.slice(0, shownCountMax).map(({ step, code, outcome, toStep, found }) => {
    const done = toStep === undefined ? outcome : `went on from step ${String(toStep)}, with other draws`;
    return [runName, String(step), code, done, found];
  });
}
