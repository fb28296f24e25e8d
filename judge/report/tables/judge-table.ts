/** Recorded verdicts: judges by metrics, each with its 95 % interval where the draws define one. */
import type { JudgeScores, Scoring } from '../../scoring/score-judges.ts';
import { count, interval, points, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import { intervalBar } from '../charts/interval-bar.ts';
import { seriesCount } from '../series.ts';

interface Column {
  readonly head: string;
  readonly value: (judge: JudgeScores) => number | undefined;
  /** Name of its interval. */
  readonly interval?: string;
  readonly hasBar?: boolean;
  /** Not a share: a coefficient in [-1, 1], or a number in the unit of the labels. */
  readonly form?: 'coefficient' | 'number';
}

const columns: readonly Column[] = [
  { head: 'accuracy', value: ({ scores }) => scores.accuracy, interval: 'accuracy', hasBar: true },
  { head: 'without ties', value: ({ scores }) => scores.withoutTies?.accuracy },
  { head: 'Macro-F1', value: ({ scores }) => scores.macroF1, interval: 'macroF1', hasBar: true },
  { head: 'balanced', value: ({ scores }) => scores.balancedAccuracy, interval: 'balancedAccuracy' },
  { head: 'kappa', value: ({ scores }) => scores.cohenKappa, interval: 'cohenKappa', form: 'coefficient' },
  { head: 'pairs in order', value: ({ scores }) => scores.pairAccuracy, interval: 'pairAccuracy' },
  { head: 'edit distance', value: ({ scores }) => scores.editDistance, interval: 'editDistance' },
  { head: 'exactly right', value: ({ scores }) => scores.exactRate, interval: 'exactRate' },
  {
    head: 'alpha',
    value: ({ scores }) => scores.krippendorffAlpha,
    interval: 'krippendorffAlpha',
    form: 'coefficient',
  },
  { head: 'mean error', value: ({ scores }) => scores.absoluteError?.mean, interval: 'absoluteError', form: 'number' },
  { head: 'Pearson', value: ({ scores }) => scores.correlation?.pearson, form: 'coefficient' },
  { head: 'Spearman', value: ({ scores }) => scores.correlation?.spearman, form: 'coefficient' },
  { head: 'Kendall', value: ({ scores }) => scores.rankCorrelation?.kendallTau, form: 'coefficient' },
  { head: 'same in all orders', value: ({ scores }) => scores.consistencyRate, interval: 'consistencyRate' },
  { head: 'right in all orders', value: ({ scores }) => scores.consistentAccuracy, interval: 'consistentAccuracy' },
  { head: 'first position', value: ({ firstPlace }) => firstPlace?.verdicts },
  { head: 'unread', value: ({ scores }) => scores.unparsableRate, interval: 'unparsableRate' },
];

const coefficient = (value: number): string => value.toFixed(3).replace(/^(-?)0\./, '$1.');
const forms = { coefficient, number: significant } as const;

export function judgeTable({ judges }: Scoring): Html {
  const baselines = judges[0]?.scores.baselines;
  const shown = columns.filter(({ value }) => judges.some((judge) => value(judge) !== undefined));
  const majorities = judges.flatMap(({ scores }) => scores.majorityMacroF1 ?? []);
  const majority = majorities.length === 0 ? undefined : Math.max(...majorities);
  const baseOf = (name: string | undefined): number | undefined =>
    name === 'macroF1' ? majority : name === 'accuracy' ? baselines?.alwaysFirst : undefined;
  const named = [
    ['majority', 'always the commonest label', 'macroF1', majority],
    ['first', 'always the first candidate', 'accuracy', baselines?.alwaysFirst],
    ['longest', 'always the longest text', 'accuracy', baselines?.longest],
    ['shortest', 'always the shortest text', 'accuracy', baselines?.shortest],
  ] as const;
  return html`<div class="scroll">
    <table class="scores judges">
      <thead>
        <tr>
          <th class="arm">Judge</th>
          ${shown.map(({ head }) => html`<th>${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${judges.map(
          (judge, j) =>
            html`<tr>
              <th class="arm" scope="row">
                <i class="dot s${j % seriesCount}"></i><span class="judge">${judge.judge}</span>
                <small>${count(judge.verdictCount)} verdicts</small>
              </th>
              ${shown.map((column) => cell(column, judge, j, baseOf(column.interval)))}
            </tr>`,
        )}
        ${named.map(([name, meaning, of, value]) =>
          value === undefined
            ? undefined
            : html`<tr class="majority">
                <th class="arm" scope="row">${name} <small>${meaning}</small></th>
                ${shown.map((column) => html`<td>${column.interval === of ? points(value) : '–'}</td>`)}
              </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell(column: Column, judge: JudgeScores, j: number, base: number | undefined): Html {
  const value = column.value(judge);
  if (value === undefined) return html`<td class="empty">–</td>`;
  const ci95 = column.interval === undefined ? undefined : judge.intervals[column.interval];
  const [low, high] = ci95 ?? [0, 0];
  const form = column.form && forms[column.form];
  const bounds = form === undefined ? interval([low, high]) : `${form(low)} to ${form(high)}`;
  return html`<td>
    <b>${form === undefined ? points(value) : form(value)}</b>
    ${ci95 && html`<span class="ci">${bounds}</span>`}${ci95 && column.hasBar ? intervalBar({ value, ci95, base }, j % seriesCount) : undefined}
  </td>`;
}
