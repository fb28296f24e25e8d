/**
 * Forest plot: for every task, each run's score as a dot on its interval. It is HTML, so that it stays readable on a
 * phone.
 */
import { kindOf } from '../kinds/table.ts';
import type { ReportData } from './data.ts';
import { count, interval, points } from './format.ts';
import { type Html, html } from './html.ts';
import { macroF1Bar } from './score-table.ts';
import { seriesIndexOf } from './series.ts';

export function forestPlot(data: ReportData): Html {
  return html`<div class="forest">${data.tasks.map((task) => taskBlock(data, task))}</div>`;
}

function taskBlock(data: ReportData, task: ReportData['tasks'][number]): Html | undefined {
  const rows = data.runs.flatMap((run) =>
    // Macro-F1 is of classes.
    run.scores
      .filter((scores) => scores.task === task.name && scores.macroF1 !== undefined)
      .map((scores) => ({ run, scores })),
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  const { words } = kindOf(task);
  const hasSeeds = new Set(data.runs.map(({ arm }) => arm)).size < data.runs.length;
  return html`<figure class="${task.ood ? 'unseen' : ''}">
    <figcaption>
      ${task.name}${task.ood ? html` <em>never trained</em>` : undefined}
      <small
        >${count(first.scores.exampleCount)}
        ${words.orders === undefined ? words.examples : `judgments, ${words.orders}`}</small
      >
    </figcaption>
    ${rows.map(
      ({ run, scores }) =>
        html`<div class="row">
          <span class="name">${hasSeeds ? run.runName : run.arm}</span
          >${macroF1Bar(scores, seriesIndexOf(data.runs, run))}<span class="value"
            ><b>${points(scores.macroF1)}</b> <small>${interval(scores.ci95)}</small></span
          >
        </div>`,
    )}
    <div class="row axis">
      <span></span><span class="ticks"><i>0</i><i>25</i><i>50</i><i>75</i><i>100</i></span
      ><span></span>
    </div>
  </figure>`;
}
