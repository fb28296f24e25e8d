/** Steps whose numbers were bad, what each run did about them, and runs that ended at a ceiling. */
import type { ReportData, ReportRun } from './data.ts';
import { type Html, html } from './html.ts';
import { plainTable } from './tables/plain-table.ts';

/** Rows of a run; a policy that stays collapsed has one for every step. */
const shownCountMax = 20;

export function hasIncidents({ runs }: ReportData): boolean {
  return runs.some(({ incidents, ceiling }) => incidents !== undefined || ceiling !== undefined);
}

export function incidentSection({ runs }: ReportData): Html {
  const rows = runs.flatMap(rowsOf);
  const hidden = runs.flatMap(({ runName, incidents }) => {
    const count = (incidents?.length ?? 0) - shownCountMax;
    return count > 0 ? [`${String(count)} more in ${runName}`] : [];
  });
  const ceilings = runs.flatMap(({ runName, ceiling }) =>
    ceiling
      ? [
          `${runName} ended after ${String(ceiling.stepCount)} steps, at its ceiling: ${ceiling.ceiling} ${String(ceiling.allowed)}, found ${String(ceiling.found)}`,
        ]
      : [],
  );
  return html`${ceilings.map((line) => html`<p>${line}.</p>`)}
  ${rows.length > 0 ? plainTable(['run', 'step', 'code', 'what was done', 'found'], rows) : undefined}
  ${hidden.length > 0 ? html`<p class="muted">${hidden.join('; ')}.</p>` : undefined}`;
}

function rowsOf({ runName, incidents = [] }: ReportRun): string[][] {
  return incidents.slice(0, shownCountMax).map(({ step, code, outcome, toStep, found }) => {
    const done = toStep === undefined ? outcome : `went on from step ${String(toStep)}, with other draws`;
    return [runName, String(step), code, done, found];
  });
}
