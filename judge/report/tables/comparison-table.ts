/**
 * Table of all paired tests: difference of Macro-F1 in points with its interval, and stars for significance after Holm.
 */
import type { PairedTest } from '../../evaluation/paired-tests.ts';
import type { ReportData } from '../data.ts';
import { interval, points, pValue, stars } from '../format.ts';
import { type Html, html } from '../html.ts';
import { plainTable } from './plain-table.ts';

export function comparisonTable({ tests }: ReportData): Html | undefined {
  if (tests.length === 0) return undefined;
  const heads = [
    'task',
    'run',
    'against',
    'Macro-F1',
    '95 % interval',
    'p (Holm)',
    'only one right',
    'McNemar p (Holm)',
  ];
  return html`<details>
    <summary>All paired tests (${tests.length})</summary>
    <p class="muted">
      Same examples, resampled together by cluster; * p &lt; .05, ** p &lt; .01, *** p &lt; .001 after Holm's correction
      over the tasks of two runs. McNemar's exact test compares accuracy and takes examples for independent.
    </p>
    ${plainTable(heads, tests.map(rowOf))}
  </details>`;
}

function rowOf(test: PairedTest): (string | Html)[] {
  const { task, runName, otherRunName, difference, ci95, holmP, onlyThisCorrect, onlyOtherCorrect } = test;
  return [
    ...[task, runName, otherRunName],
    html`<b>${difference > 0 ? '+' : ''}${points(difference)}</b> ${stars(holmP)}`,
    interval(ci95),
    pValue(holmP),
    `${String(onlyThisCorrect)} : ${String(onlyOtherCorrect)}`,
    `${pValue(test.mcNemarHolmP)} ${stars(test.mcNemarHolmP)}`,
  ];
}
