/**
 * Forest plot: for every task, the score of each run, or of each arm over its seeds, as a dot on its interval. It is
 * HTML, so that it stays readable on a phone.
 */
import { kindOf } from '../../kinds/table.ts';
import type { ReportData } from '../data.ts';
import { count, interval, points } from '../format.ts';
import { type Html, html } from '../html.ts';
import { needsArmTable, rowsOf } from '../arms/arm-table.ts';
import { intervalBar } from './interval-bar.ts';
import { seriesIndexOf } from '../series.ts';

interface Row {
  readonly name: string;
  readonly series: number;
  readonly value: number | undefined;
  readonly ci95: readonly [number, number] | undefined;
}

export function forestPlot(data: ReportData): Html {
  return html`<div class="forest">${data.tasks.map((task) => taskBlock(data, task))}</div>`;
}

function taskBlock(data: ReportData, task: ReportData['tasks'][number]): Html | undefined {
  const scored = data.runs.flatMap((run) =>
    // Macro-F1 is of classes.
    run.scores
      .filter((scores) => scores.task === task.name && scores.macroF1 !== undefined)
      .map((scores) => ({ run, scores })),
  );
  const [first] = scored;
  if (first === undefined) return undefined;
  const { words } = kindOf(task);
  const { majorityMacroF1: base } = first.scores;
  const rows = needsArmTable(data)
    ? rowsOf(data).flatMap((arm): Row[] => {
        const score = arm.scores[task.name];
        return score === undefined ? [] : [{ name: arm.arm, series: seriesIndexOf(data.runs, arm), ...score }];
      })
    : scored.map(({ run, scores: { macroF1: value, ci95 } }): Row => {
        return { name: run.arm, series: seriesIndexOf(data.runs, run), value, ci95 };
      });
  return html`<figure class="${task.ood ? 'unseen' : ''}">
    <figcaption>
      ${task.name}${task.ood ? html` <em>never trained</em>` : undefined}
      <small
        >${count(first.scores.exampleCount)}
        ${words.orders === undefined ? words.examples : `judgments, ${words.orders}`}</small
      >
    </figcaption>
    ${rows.map(
      ({ name, series, value, ci95 }) =>
        html`<div class="row">
          <span class="name" title="${name}">${name}</span>${intervalBar({ value, ci95, base }, series)}<span
            class="value"
            ><b>${points(value)}</b> <small>${interval(ci95)}</small></span
          >
        </div>`,
    )}
    <div class="row axis">
      <span></span><span class="ticks"><i>0</i><i>25</i><i>50</i><i>75</i><i>100</i></span
      ><span></span>
    </div>
  </figure>`;
}
