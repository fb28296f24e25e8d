/**
 * The score table, as in the paper: arms by tasks, Macro-F1 in points with its 95 % interval, unseen tasks separate.
 */
import type { ReportData, ReportRun, ReportScores } from '../data.ts';
import { absoluteErrorText, interval, points } from '../format.ts';
import { type Html, html } from '../html.ts';
import { intervalBar } from '../charts/interval-bar.ts';
import { seriesIndexOf } from '../series.ts';

export function idMean(run: ReportRun): number | undefined {
  const values = run.scores.flatMap(({ ood, macroF1 }) => (ood || macroF1 === undefined ? [] : [macroF1]));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function scoreTable(data: ReportData): Html {
  const evaluated = data.tasks.filter(({ name }) =>
    data.runs.some(({ scores }) => scores.some(({ task }) => task === name)),
  );
  const seen = evaluated.filter(({ ood }) => !ood);
  const unseen = evaluated.filter(({ ood }) => ood);
  const bests = bestValues(
    data.runs,
    evaluated.map(({ name }) => name),
  );
  const bestMean = Math.max(...data.runs.map((run) => idMean(run) ?? 0));
  return html`<div class="scroll">
    <table class="scores">
      <thead>
        <tr>
          <th rowspan="2" class="arm">Arm</th>
          ${seen.length > 0 ? html`<th colspan="${seen.length + 1}" class="span">in distribution</th>` : undefined}
          ${unseen.length > 0 ? html`<th colspan="${unseen.length}" class="span unseen">never trained</th>` : undefined}
        </tr>
        <tr>
          ${seen.map(({ name }) => html`<th>${name}</th>`)}${seen.length > 0 ? html`<th class="mean">mean</th>` : undefined}
          ${unseen.map(({ name }) => html`<th class="unseen">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${data.runs.map((run) => {
          const mean = idMean(run);
          return html`<tr>
            <th class="arm" scope="row">
              <i class="dot s${seriesIndexOf(data.runs, run)}"></i>${run.arm} <small>${armNote(run, data.runs)}</small>
            </th>
            ${seen.map(({ name }) => cell(run, name, bests, data.runs))}
            ${seen.length > 0 ? html`<td class="mean${mean === bestMean ? ' best' : ''}"><b>${mean === undefined ? '–' : points(mean)}</b></td>` : undefined}
            ${unseen.map(({ name }) => cell(run, name, bests, data.runs))}
          </tr>`;
        })}${majorityRow(
          data,
          seen.map(({ name }) => name),
          unseen.map(({ name }) => name),
        )}${pixelRow(
          data,
          seen.map(({ name }) => name),
          unseen.map(({ name }) => name),
        )}
      </tbody>
    </table>
  </div>`;
}

function armNote(run: ReportRun, runs: readonly ReportRun[]): string {
  const how = { none: 'as given', sft: 'supervised', rl: run.algorithm ?? 'rollouts' }[run.objective];
  const hasSeeds = runs.filter(({ arm }) => arm === run.arm).length > 1;
  return `${how}, ${run.mode}${hasSeeds ? `, seed ${String(run.seed)}` : ''}`;
}

function bestValues(runs: readonly ReportRun[], tasks: readonly string[]): ReadonlyMap<string, number> {
  const best = (task: string): number =>
    Math.max(...runs.flatMap(({ scores }) => scores.flatMap((s) => (s.task === task ? (s.macroF1 ?? []) : []))));
  return new Map(tasks.map((task) => [task, best(task)]));
}

function cell(run: ReportRun, task: string, bests: ReadonlyMap<string, number>, runs: readonly ReportRun[]): Html {
  const scores = run.scores.find((score) => score.task === task);
  if (scores === undefined) return html`<td class="empty">–</td>`;
  const isBest = scores.macroF1 === bests.get(task) && runs.length > 1;
  return html`<td class="${isBest ? 'best' : ''}${scores.ood ? ' unseen' : ''}">
    <b>${points(scores.macroF1)}</b>
    <span class="ci">${interval(scores.ci95)}</span
    >${macroF1Bar(scores, seriesIndexOf(runs, run))}${headlineNote(scores)}${errorNote(scores)}${forcedNote(scores)}${orderNote(scores)}${unparsableNote(scores)}
  </td>`;
}

/** Macro-F1 with the majority baseline. */
function macroF1Bar({ macroF1, ci95, majorityMacroF1 }: ReportScores, series: number): Html {
  return intervalBar({ value: macroF1, ci95, base: majorityMacroF1 }, series);
}

/** The benchmark's own metric, if the task names it. */
function headlineNote({ headline }: ReportScores): Html | undefined {
  if (headline === undefined) return undefined;
  const { name, value } = headline;
  return html`<span class="note" title="the metric that this benchmark publishes"
    >published metric: ${name} <b>${value === undefined ? '–' : points(value)}</b></span
  >`;
}

function errorNote({ absoluteError }: ReportScores): Html | undefined {
  if (absoluteError === undefined) return undefined;
  return html`<span class="note" title="mean absolute error of the answers that are numbers, in the unit of the labels"
    >mean error <b>${absoluteErrorText(absoluteError)}</b></span
  >`;
}

/** The forced-choice Macro-F1, if it differs from the strict one. */
function forcedNote({ forcedChoice, macroF1 }: ReportScores): Html | undefined {
  if (forcedChoice === undefined || points(forcedChoice.macroF1) === points(macroF1)) return undefined;
  return html`<span class="note">forced ${points(forcedChoice.macroF1)}</span>`;
}

function orderNote({ consistencyRate, firstPositionRate }: ReportScores): Html | undefined {
  if (consistencyRate === undefined || firstPositionRate === undefined) return undefined;
  return html`<span class="note">same choice in both orders ${points(consistencyRate)} %</span
    ><span class="note">first position ${points(firstPositionRate)} %</span>`;
}

function unparsableNote({ unparsableRate }: ReportScores): Html | undefined {
  return unparsableRate < 0.005
    ? undefined
    : html`<span class="note warn">${points(unparsableRate)} % unparsable</span>`;
}

function majorityRow(data: ReportData, seen: readonly string[], unseen: readonly string[]): Html {
  const value = (task: string): number | undefined =>
    data.runs
      .flatMap(({ scores }) => scores.filter((score) => score.task === task))
      .map(({ majorityMacroF1 }) => majorityMacroF1)[0];
  const values = seen.flatMap((task) => value(task) ?? []);
  const mean = values.reduce((sum, each) => sum + each, 0) / Math.max(values.length, 1);
  const show = (task: string): Html => {
    const score = value(task);
    return html`<td>${score === undefined ? '–' : points(score)}</td>`;
  };
  return html`<tr class="majority">
    <th class="arm" scope="row">majority <small>always the commoner label</small></th>
    ${seen.map(show)} ${seen.length > 0 ? html`<td class="mean">${points(mean)}</td>` : undefined}${unseen.map(show)}
  </tr>`;
}

/** Absent if no task has one; a mean over some of the tasks would be compared with means over all. */
function pixelRow(
  { pixelBaselines }: ReportData,
  seen: readonly string[],
  unseen: readonly string[],
): Html | undefined {
  if (pixelBaselines.length === 0) return undefined;
  const show = (task: string): Html => {
    const found = pixelBaselines.find((baseline) => baseline.task === task);
    if (found === undefined) return html`<td>–</td>`;
    return html`<td>${points(found.macroF1)} <span class="ci">${interval(found.ci95)}</span></td>`;
  };
  return html`<tr class="majority">
    <th class="arm" scope="row">pixels <small>logistic regression, 24x24 grey</small></th>
    ${seen.map(show)} ${seen.length > 0 ? html`<td class="mean">–</td>` : undefined}${unseen.map(show)}
  </tr>`;
}
