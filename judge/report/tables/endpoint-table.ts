/** What the answers of endpoints took, in tokens and at the recipe's prices. */
import { costOf } from '../../evaluation/endpoint-usage.ts';
import type { ReportData } from '../data.ts';
import { count } from '../format.ts';
import { type Html, html } from '../html.ts';
import { plainTable } from './plain-table.ts';

/** Undefined if no arm asks an endpoint. */
export function endpointTable({ runs }: Pick<ReportData, 'runs'>): Html | undefined {
  const rows = runs.flatMap(({ runName, scores, prices }) =>
    scores.flatMap(({ task, usage }) => {
      if (usage === undefined) return [];
      const { answerCount, promptTokenCount, completionTokenCount } = usage;
      const cost = prices && costOf(usage, prices);
      return [
        [runName, task, ...[answerCount, promptTokenCount, completionTokenCount].map(count), cost?.toFixed(4) ?? '–'],
      ];
    }),
  );
  if (rows.length === 0) return undefined;
  return html`<h3>Endpoints <small>answers kept from earlier runs included</small></h3>
    ${plainTable(['run', 'task', 'answers', 'tokens of prompts', 'tokens of answers', 'cost'], rows)}`;
}
