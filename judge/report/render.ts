/** Renders the report of an experiment. Results come first. */
import { baselineLines } from '../evaluation/baseline-text.ts';
import { armHeadline } from './arms/arm-headline.ts';
import { needsArmTable } from './arms/arm-table.ts';
import { armResults } from './arms/arm-table-html.ts';
import { sweepCurves, sweepPoints } from './arms/sweep-curves.ts';
import { baseRateTable } from './tables/base-rate-table.ts';
import { comparisonSentences, compareArms } from './compare.ts';
import { comparisonTable } from './tables/comparison-table.ts';
import { curves } from './charts/curves.ts';
import { hasIncidents, incidentSection } from './incidents.ts';
import type { ReportData, ReportRun, ReportScores } from './data.ts';
import { forestPlot } from './charts/forest.ts';
import { duration, interval, points } from './format.ts';
import { gallery } from './gallery.ts';
import { groupTables, hasGroups } from './tables/group-tables.ts';
import { type Html, html } from './html.ts';
import { lineagePicture } from './lineage.ts';
import { page, type Section } from './page.ts';
import { peopleTables } from './tables/people-table.ts';
import { hasProbes, probeTable } from './tables/probe-table.ts';
import { costSection, dataSection, digestSection, recipeSection } from './provenance.ts';
import { hasReliability, reliability } from './reliability.ts';
import { idMean, scoreTable } from './tables/score-table.ts';
import { hasSelection, selectionSection } from './selection.ts';

/** Deterministic: equal data give equal bytes. */
export function renderReport(data: ReportData): string {
  return page({
    ...{ kind: 'Judge report', title: data.title, sections: sectionsOf(data) },
    head: html`${data.summary === undefined ? undefined : html`<p class="lead">${data.summary}</p>`}
      <p class="muted">
        experiment <code>${data.experimentId}</code> · recipe <code>${data.recipeDigest.slice(0, 12)}</code> ·
        ${duration(data.cost.wallMs)}
      </p>
      ${headline(data)}`,
    foot: 'Made by mt-rl-judge. Every number follows from the artifacts whose digests are listed above.',
  });
}

function sectionsOf(data: ReportData): readonly Section[] {
  return [
    results(data),
    ...(sweepPoints(data).length > 0
      ? [
          {
            id: 'sweeps',
            title: 'Sweeps',
            about:
              'Macro-F1 in points over the varied field: mean over seeds, and a band from the lowest to the highest seed.',
            body: sweepCurves(data),
          },
        ]
      : []),
    {
      id: 'intervals',
      title: 'Intervals by task',
      about: `Each interval is of ${needsArmTable(data) ? 'an arm, over examples and seeds. Arms' : 'a single run. Runs'} with overlapping intervals may still differ: see the paired tests above.`,
      body: forestPlot(data),
    },
    ...(hasReliability(data)
      ? [
          {
            id: 'reliability',
            title: 'Reliability',
            about: 'Agreement with the labels beyond Macro-F1. Rates in points.',
            body: html`${reliability(data)}${baseRateTable(data)}${peopleTables(data)}`,
          },
        ]
      : []),
    ...(hasGroups(data)
      ? [
          {
            id: 'groups',
            title: 'Groups',
            about:
              'The same judgments by the values of row fields. Rates in points; a mean gives each value equal weight.',
            body: groupTables(data),
          },
        ]
      : []),
    ...(hasProbes(data)
      ? [
          {
            id: 'probes',
            title: 'Probes',
            about:
              'The same examples with one change. A judge should get worse without the picture or with another one, but not with a different wording. Next to each Macro-F1: the strict Macro-F1 on the same examples, and the share of unchanged verdicts.',
            body: probeTable(data),
          },
        ]
      : []),
    ...(hasSelection(data)
      ? [
          {
            id: 'selection',
            title: 'Selection',
            about:
              'The checkpoint with the highest validation score, the first of several, is the policy of a run. Only it was evaluated above.',
            body: selectionSection(data),
          },
        ]
      : []),
    ...(hasIncidents(data)
      ? [
          {
            id: 'incidents',
            title: 'Guards and ceilings',
            about:
              'Steps with bad numbers, and what the guards of their arm did: a step whose update was skipped leaves the policy as it was. Runs that ended at a ceiling have fewer steps than their recipe names.',
            body: incidentSection(data),
          },
        ]
      : []),
    { id: 'training', title: 'Training', body: curves(data) },
    { id: 'rollouts', title: 'Sample answers', body: gallery(data) },
    { id: 'recipe', title: 'Recipe', body: recipeSection(data) },
    { id: 'data', title: 'Data', body: dataSection(data) },
    {
      id: 'lineage',
      title: 'Lineage',
      about: 'From files to policies. `mtrl lineage` shows every artifact in between.',
      body: lineagePicture(data),
    },
    { id: 'cost', title: 'Cost', body: costSection(data) },
    {
      id: 'digests',
      title: 'Digests',
      about: 'sha256 digests of the stored artifacts. `mtrl verify` checks them.',
      body: digestSection(data),
    },
  ];
}

function results(data: ReportData): Section {
  const baselines = baselineLines(
    data.runs.map(({ runName: name, scores }) => ({ name, scores })),
    data.pixelBaselines,
  ).map((line) => html`<p class="muted">${line}.</p>`);
  const absent = data.absent.map((line) => html`<p class="muted">Left out because it is missing: ${line}</p>`);
  const head = { id: 'answer', title: 'Results' };
  const line = 'The thin line on each bar is the majority baseline.';
  if (!needsArmTable(data)) {
    return {
      ...{ ...head, about: `Macro-F1 in points with bootstrap 95 % intervals. ${line}` },
      body: html`<div class="panel">${scoreTable(data)}</div>
        ${baselines}${absent}${claims(data)}${comparisonTable(data)}`,
    };
  }
  return {
    ...head,
    body: html`${armResults(data)}
      <details>
        <summary>Runs one by one (${data.runs.length})</summary>
        <p class="muted">Macro-F1 in points with bootstrap 95 % intervals over examples. ${line}</p>
        ${scoreTable(data)}${baselines}
      </details>
      ${absent}${comparisonTable(data)}`,
  };
}

function claims({ runs, tests }: ReportData): Html {
  return html`<ul class="claims">
    ${compareArms(runs, tests).map(
      (comparison) =>
        html`<li>
          <b>${comparison.arm} and ${comparison.other}</b
          >${comparisonSentences(comparison).map((sentence) => html`<p>${sentence}</p>`)}
        </li>`,
    )}
  </ul>`;
}

/** The headline numbers of the last run, because the recipe leads up to it. */
function headline(data: ReportData): Html | undefined {
  if (needsArmTable(data)) return armHeadline(data);
  const { runs } = data;
  const run = runs.at(-1);
  if (run === undefined) return undefined;
  const mean = idMean(run);
  const unseen = run.scores.filter(({ ood }) => ood);
  return html`<div class="headline">
    ${mean === undefined ? undefined : html`<div><b>${points(mean)}</b><small>${run.arm}: mean of ${run.scores.length - unseen.length} tasks${baselineNote(runs, mean)}</small></div>`}
    ${unseen.map(
      (scores) =>
        html`<div>
          <b>${points(scores.macroF1)} <small>${interval(scores.ci95)}</small></b
          ><small>${run.arm}: ${scores.task}, never trained${unseenNote(runs, scores)}</small>
        </div>`,
    )}
  </div>`;
}

function baselineNote([first]: readonly ReportRun[], mean: number): string {
  const base = first && idMean(first);
  return first === undefined || base === undefined || base === mean ? '' : `; ${first.arm} ${points(base)}`;
}

function unseenNote([first, ...others]: readonly ReportRun[], { task }: ReportScores): string {
  const base = first?.scores.find((scores) => scores.task === task);
  return first === undefined || base === undefined || others.length === 0
    ? ''
    : `; ${first.arm} ${points(base.macroF1)}`;
}
