/** The same examples asked in other ways: a judge of pictures falls to the majority when it sees none, and keeps its verdicts under another wording. */
import type { ReportData } from './data.ts';
import { interval, points } from './format.ts';
import { type Html, html } from './html.ts';
import { plainTable } from './plain-table.ts';

export function hasProbes({ runs }: ReportData): boolean {
  return runs.some(({ scores }) => scores.some(({ variants }) => variants !== undefined));
}

export function probeTable({ runs }: ReportData): Html {
  const heads = [
    'asked as',
    'run',
    'task',
    'Macro-F1',
    '95 % interval',
    'strict',
    'same verdict',
    'unparsable',
    'examples',
  ];
  const rows = runs.flatMap((run) =>
    run.scores.flatMap(({ task, variants = [] }) =>
      variants.map(({ name, scores, refused }): (string | Html)[] => {
        const start = [name, run.runName, task];
        if (scores === undefined)
          return [...start, html`<small>${refused ?? ''}</small>`, ...Array<string>(5).fill('')];
        const { macroF1, ci95, strictMacroF1, sameVerdictRate, unparsableRate, exampleCount } = scores;
        return [
          ...[
            ...start,
            html`<b>${points(macroF1)}</b>`,
            interval(ci95),
            points(strictMacroF1),
            points(sameVerdictRate),
          ],
          ...[points(unparsableRate), String(exampleCount)],
        ];
      }),
    ),
  );
  return html`${plainTable(heads, rows)}`;
}
