/** Kappa with the base rates that it depends on. */
import type { ReportData } from '../data.ts';
import { points } from '../format.ts';
import { type Html, html } from '../html.ts';
import { two } from './people-table.ts';
import { runTable } from './plain-table.ts';

export function baseRateTable({ runs }: ReportData): Html | undefined {
  const rows = runs.flatMap(({ runName, scores }) =>
    scores.flatMap(({ task, accuracy, cohenKappa, chanceAgreement, baseRates }) => {
      if (baseRates === undefined || chanceAgreement === undefined) return [];
      const rates = baseRates.map((one) => `${one.label} ${points(one.labelRate)} → ${points(one.verdictRate)}`);
      return [[runName, task, points(accuracy), points(chanceAgreement), two(cohenKappa), rates.join(', ')]];
    }),
  );
  if (rows.length === 0) return undefined;
  return html`<h3>
      Kappa and base rates
      <small>agreement beyond chance depends on how common each label is: among the labels → among the answers</small>
    </h3>
    ${runTable(['run', 'task', 'accuracy', 'by chance', 'kappa', 'base rates'], rows)}`;
}
