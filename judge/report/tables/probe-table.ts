/**
 * Table of probes and other modes on the same examples: without images a judge should fall to the majority baseline;
 * with other wording it should keep its verdicts.
 */
import type { ReportData, ReportRun } from '../data.ts';
import { interval, points } from '../format.ts';
import { type Html, html } from '../html.ts';

type Variant = NonNullable<ReportRun['scores'][number]['variants']>[number];

export function hasProbes({ runs }: ReportData): boolean {
  return runs.some(({ scores }) => scores.some(({ variants }) => variants !== undefined));
}

/** One row per probe or mode and run, one column per task; refused ones are listed below. */
export function probeTable(data: ReportData): Html {
  const { runs } = data;
  const tasks = data.tasks
    .map(({ name }) => name)
    .filter((task) => runs.some((run) => variantsOf(run, task).length > 0));
  const names = [
    ...new Set(runs.flatMap((run) => tasks.flatMap((task) => variantsOf(run, task).map(({ name }) => name)))),
  ];
  const rows = names.flatMap((name) => {
    const asked = runs.filter((run) => tasks.some((task) => variantOf(run, task, name)?.scores !== undefined));
    return asked.map((run, i) => {
      const head = i === 0 ? html`<th class="arm" scope="rowgroup" rowspan="${asked.length}">${name}</th>` : undefined;
      const cells = tasks.map((task) => cell(variantOf(run, task, name)));
      return html`<tr>
        ${head}
        <th class="run" scope="row">${run.runName}</th>
        ${cells}
      </tr>`;
    });
  });
  return html`<div class="panel scroll">
      <table class="scores probes">
        <thead>
          <tr>
            <th class="arm">probe or mode</th>
            <th class="run">run</th>
            ${tasks.map((task) => html`<th>${task}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    ${refusals(runs, names, tasks)}`;
}

function variantsOf({ scores }: ReportRun, task: string): readonly Variant[] {
  return scores.find((each) => each.task === task)?.variants ?? [];
}

function variantOf(run: ReportRun, task: string, name: string): Variant | undefined {
  return variantsOf(run, task).find((each) => each.name === name);
}

function cell(variant: Variant | undefined): Html {
  if (variant?.scores === undefined) return html`<td class="empty">–</td>`;
  const { macroF1, ci95, strictMacroF1, sameVerdictRate, unparsableRate, exampleCount } = variant.scores;
  const { accuracy, strictAccuracy } = variant.scores;
  const [value, strict] = macroF1 === undefined ? [accuracy, strictAccuracy] : [macroF1, strictMacroF1];
  const unparsable = html`<span class="note warn">${Math.round(unparsableRate * 100)} % unparsable</span>`;
  return html`<td title="${exampleCount} examples">
    <b>${points(value)}</b>
    <span class="ci">${interval(ci95)}</span><span class="note">strict ${points(strict)}</span
    ><span class="note">same ${points(sameVerdictRate)} %</span>${unparsableRate < 0.005 ? undefined : unparsable}
  </td>`;
}

/** Each reason for a refusal once, with the tasks that it applies to. */
function refusals(runs: readonly ReportRun[], names: readonly string[], tasks: readonly string[]): Html | undefined {
  const tasksOf = new Map<string, Set<string>>();
  for (const name of names)
    for (const task of tasks)
      for (const { refused } of runs.flatMap((run) => variantOf(run, task, name) ?? [])) {
        if (refused === undefined) continue;
        const reason = `${name}: ${refused}`;
        tasksOf.set(reason, (tasksOf.get(reason) ?? new Set()).add(task));
      }
  if (tasksOf.size === 0) return undefined;
  const lines = [...tasksOf].map(([reason, found]) => html`<li>${reason} (${[...found].join(', ')})</li>`);
  return html`<p class="muted">Not run:</p>
    <ul class="refusals">
      ${lines}
    </ul>`;
}
