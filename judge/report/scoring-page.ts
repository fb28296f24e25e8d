/** Renders what `mtrl score` finds in recorded verdicts. */
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import { baselineLines } from '../evaluation/baseline-text.ts';
import type { QuarantinedRow } from '../example.ts';
import { kindOf } from '../kinds/table.ts';
import { type DriftCheck, driftSentences } from '../promotion/drift.ts';
import { significanceLevel, told } from '../scoring/differences.ts';
import type { JudgeScores, Scoring } from '../scoring/score-judges.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import { absoluteErrorText, count, interval, points, pValue, significant } from './format.ts';
import { type Html, html } from './html.ts';
import { intervalBar } from './charts/interval-bar.ts';
import { judgeTable } from './tables/judge-table.ts';
import { labelsText } from './labels-text.ts';
import { page, type Section } from './page.ts';
import { plainTable } from './tables/plain-table.ts';
import { seriesCount } from './series.ts';

export interface ScoringReport {
  readonly task: string;
  readonly spec: TaskSpec;
  readonly recipe: string;
  readonly recipeDigest: string;
  readonly judgments: string;
  readonly exampleCount: number;
  readonly resampleCount: number;
  readonly seed: number;
  /** Rows of the datasets that have no label. */
  readonly quarantined: readonly QuarantinedRow[];
  /** Rows that the recipe leaves out on purpose. */
  readonly leftOutCount: number;
  /** Why rows of judgments cannot be used. */
  readonly unusable: readonly string[];
  readonly scoring: Scoring;
  readonly pixelBaselines?: readonly PixelBaseline[];
  /** A promoted judge, held against this sample. */
  readonly drift?: { readonly against: string; readonly judge: string; readonly checks: readonly DriftCheck[] };
}

const shownCountMax = 50;

/** Deterministic: equal data give equal bytes. The best judge is first. */
export function renderScoring(report: ScoringReport): string {
  const { task, spec, exampleCount, recipe, recipeDigest, judgments } = report;
  const judges = [...report.scoring.judges].sort((a, b) => b.scores.accuracy - a.scores.accuracy);
  const sorted = { ...report, scoring: { ...report.scoring, judges } };
  return page({
    ...{ kind: 'Judges compared', title: task, sections: sectionsOf(sorted) },
    head: html`<p class="lead">
        Recorded verdicts of ${judges.length} ${judges.length === 1 ? 'judge' : 'judges'} on ${count(exampleCount)}
        ${kindOf(spec).words.examples} with ${labelsText(spec)}. Unread verdicts count as wrong.
      </p>
      <p class="muted">
        verdicts <code>${judgments}</code> · recipe <code>${recipe}</code> <code>${recipeDigest.slice(0, 12)}</code>
      </p>
      ${headline(sorted.scoring)}`,
    foot: 'Made by mt-rl-judge from the files named above.',
  });
}

function headline({ judges, tests }: Scoring): Html | undefined {
  const [best] = judges;
  if (best === undefined) return undefined;
  const { scores, accuracyCi95, judge } = best;
  const holding = tests.filter((test) => told(test).holds).length;
  return html`<div class="headline">
    <div>
      <b>${points(scores.accuracy)} <small>${interval(accuracyCi95)}</small></b
      ><small>${judge}: accuracy</small>
    </div>
    ${
      scores.macroF1 === undefined
        ? undefined
        : html`<div>
            <b>${points(scores.macroF1)} <small>${interval(scores.ci95)}</small></b
            ><small>${judge}: Macro-F1</small>
          </div>`
    }
    ${
      tests.length === 0
        ? undefined
        : html`<div>
            <b>${holding} <small>of ${tests.length}</small></b
            ><small>differences in accuracy hold</small>
          </div>`
    }
  </div>`;
}

function sectionsOf(report: ScoringReport): Section[] {
  const { scoring, resampleCount, seed } = report;
  const orders = orderTable(scoring);
  const spent = spentTable(scoring.judges);
  const unread = unreadTable(scoring.judges);
  const criteria = criteriaTable(scoring.judges);
  return [
    {
      id: 'results',
      title: 'Results',
      about: `Shares in points with 95 % intervals of one cluster bootstrap (${count(resampleCount)} draws, seed ${String(seed)}). The thin lines on the bars: always the first candidate (accuracy), always the commonest label (Macro-F1).`,
      body: html`<div class="panel">${judgeTable(scoring)}</div>
        <ul class="claims">
          ${sentences(scoring, report.pixelBaselines).map((line) => html`<li><p>${line}.</p></li>`)}
        </ul>`,
    },
    ...(report.drift ? [{ id: 'drift', title: 'Drift', body: driftSection(report.drift) }] : []),
    { id: 'intervals', title: 'Intervals', body: forest(scoring.judges) },
    {
      id: 'differences',
      title: 'Differences',
      about: `Accuracy on the verdicts that both judges gave. A difference holds if the paired cluster bootstrap and McNemar's exact test both find it, p below ${significanceLevel.toFixed(2).slice(1)} with Holm's correction over all pairs.`,
      body: differences(scoring),
    },
    ...(criteria ? [{ id: 'criteria', title: 'Criteria', body: criteria }] : []),
    ...(orders ? [{ id: 'orders', title: 'Positions', body: orders }] : []),
    ...(spent ? [{ id: 'cost', title: 'Cost and latency', body: spent }] : []),
    {
      id: 'unread',
      title: 'Unread verdicts',
      about: 'The commonest texts that are neither a label, nor mapped to one, nor an answer in the task’s format.',
      body: unread ?? html`<p>Every verdict was read.</p>`,
    },
    { id: 'data', title: 'Data', body: dataSection(report) },
  ];
}

function sentences({ judges }: Scoring, pixelBaselines: readonly PixelBaseline[] = []): string[] {
  return [
    ...baselineLines(
      judges.map(({ judge, scores }) => ({ name: judge, scores: [scores] })),
      pixelBaselines,
    ),
    ...judges.flatMap(({ judge, missingCount, repeatedCount }) => [
      ...(missingCount > 0 ? [`${judge}: no verdict on ${count(missingCount)} rows, which are left out`] : []),
      ...(repeatedCount > 0 ? [`${judge}: ${count(repeatedCount)} repeated verdicts, of which the first counts`] : []),
    ]),
  ];
}

function driftSection({ against, judge, checks }: NonNullable<ScoringReport['drift']>): Html {
  return html`<p class="muted">Verdicts of ${judge}, against what the gate of ${against} asked of this task.</p>
    <ul class="claims">
      ${driftSentences(checks).map((sentence) => html`<li><p>${sentence}.</p></li>`)}
    </ul>`;
}

function forest(judges: readonly JudgeScores[]): Html {
  const block = (title: string, barOf: (judge: JudgeScores) => Parameters<typeof intervalBar>[0]): Html =>
    html`<figure>
      <figcaption>${title}</figcaption>
      ${judges.map((judge, j) => {
        const bar = barOf(judge);
        return html`<div class="row">
          <span class="name" title="${judge.judge}">${judge.judge}</span>${intervalBar(bar, j % seriesCount)}<span
            class="value"
            ><b>${points(bar.value)}</b> <small>${interval(bar.ci95)}</small></span
          >
        </div>`;
      })}
      <div class="row axis">
        <span></span><span class="ticks"><i>0</i><i>25</i><i>50</i><i>75</i><i>100</i></span
        ><span></span>
      </div>
    </figure>`;
  return html`<div class="forest fit">
    ${block('Accuracy', ({ scores, accuracyCi95 }) => ({ value: scores.accuracy, ci95: accuracyCi95 }))}${
      judges.every(({ scores }) => scores.macroF1 === undefined)
        ? undefined
        : block('Macro-F1', ({ scores }) => ({
            ...{ value: scores.macroF1, ci95: scores.ci95, base: scores.majorityMacroF1 },
          }))
    }
  </div>`;
}

function differences({ tests }: Scoring): Html {
  if (tests.length === 0) return html`<p>One judge: nothing to compare.</p>`;
  const ordered = tests.map(told).sort((a, b) => Number(b.holds) - Number(a.holds) || b.difference - a.difference);
  const heads = ['', 'above', 'by', '', '95 % interval', 'verdicts', 'p (Holm)', 'McNemar p (Holm)'];
  return figures(
    heads,
    ordered.map(({ better, worse, difference, ci95, verdictCount, holmP, mcNemarHolmP, holds }) => [
      ...[named(better), named(worse)],
      html`<b>${points(difference)}</b>`,
      html`<span class="chip${holds ? '' : ' unparsable'}">${holds ? 'holds' : 'open'}</span>`,
      ...[interval(ci95), count(verdictCount), pValue(holmP), pValue(mcNemarHolmP)],
    ]),
  );
}

function criteriaTable(judges: readonly JudgeScores[]): Html | undefined {
  const rows = judges.flatMap(({ judge, scores }) =>
    (scores.criteria ?? []).map(({ criterion, macroF1, accuracy, majorityMacroF1, cohenKappa, absoluteError }) => [
      ...[named(judge), criterion, points(macroF1), points(majorityMacroF1), points(accuracy)],
      cohenKappa?.toFixed(2) ?? '–',
      absoluteErrorText(absoluteError),
    ]),
  );
  if (rows.length === 0) return undefined;
  return figures(['judge', 'criterion', 'Macro-F1', 'majority', 'accuracy', 'kappa', 'mean error'], rows);
}

/** Undefined for tasks that compare nothing. */
function orderTable({ judges }: Scoring): Html | undefined {
  const hasOrders = judges.some(({ scores }) => scores.consistencyRate !== undefined);
  const rows = judges.flatMap(({ judge, firstPlace, scores, intervals }) => {
    if (firstPlace === undefined) return [];
    const { consistencyRate: rate } = scores;
    const bounds = intervals['consistencyRate'];
    const same = rate === undefined ? '–' : `${points(rate)}${bounds ? ` (${interval(bounds)})` : ''}`;
    return [[named(judge), points(firstPlace.verdicts), points(firstPlace.labels), ...(hasOrders ? [same] : [])]];
  });
  if (rows.length === 0) return undefined;
  return html`<p class="muted">
      How often a verdict that names a position names the first, and how often the labels do.
      ${hasOrders ? 'Consistency: the same candidate is chosen in all orders.' : 'All verdicts are in one order, so that consistency cannot be measured.'}
    </p>
    ${figures(['judge', 'first position', 'of the labels', ...(hasOrders ? ['same in all orders'] : [])], rows)}`;
}

const named = (judge: string): Html => html`<span class="judge">${judge}</span>`;

/** A table whose cells are short. */
function figures(heads: readonly string[], rows: Parameters<typeof plainTable>[1]): Html {
  return html`<div class="figures">${plainTable(heads, rows)}</div>`;
}

/** Undefined if no judge has any. */
function spentTable(judges: readonly JudgeScores[]): Html | undefined {
  const rows = judges.flatMap(({ judge, cost, latency }) => {
    if (cost === undefined && latency === undefined) return [];
    const costs = cost ? [significant(cost.sum), significant(cost.mean)] : ['–', '–'];
    return [[named(judge), ...costs, latency ? `${significant(latency.mean)} s` : '–']];
  });
  return rows.length === 0 ? undefined : figures(['judge', 'cost', 'a verdict', 'latency, mean'], rows);
}

/** Undefined if every verdict was read. */
function unreadTable(judges: readonly JudgeScores[]): Html | undefined {
  const rows = judges.flatMap(({ judge, unread }) =>
    unread.map(({ text, count: times }) => [
      ...[named(judge), count(times)],
      text === null ? html`<span class="muted">nothing</span>` : html`<pre>${text}</pre>`,
    ]),
  );
  return rows.length === 0 ? undefined : html`<div class="texts">${plainTable(['judge', 'times', 'text'], rows)}</div>`;
}

function dataSection({ exampleCount, quarantined, leftOutCount, unusable }: ScoringReport): Html {
  const fact = (name: string, value: number): Html => html`<li><b>${count(value)}</b><small>${name}</small></li>`;
  const rest = (shown: number, all: number): Html | undefined =>
    shown < all ? html`<p class="muted">the first ${shown} of ${count(all)}</p>` : undefined;
  return html`<ul class="facts">
      ${fact('labelled rows', exampleCount)}${fact('rows without a label', quarantined.length)}${leftOutCount === 0 ? undefined : fact('rows left out by the recipe', leftOutCount)}${fact('judgments that cannot be read', unusable.length)}
    </ul>
    ${
      quarantined.length === 0
        ? undefined
        : html`${plainTable(
            ['row', 'reason'],
            quarantined
              .slice(0, shownCountMax)
              .map(({ source, row, code, reason }) => [html`<code>${source}:${row}</code>`, `${code}: ${reason}`]),
          )}${rest(shownCountMax, quarantined.length)}`
    }
    ${
      unusable.length === 0
        ? undefined
        : html`${plainTable(
            ['judgment'],
            unusable.slice(0, shownCountMax).map((reason) => [reason]),
          )}${rest(shownCountMax, unusable.length)}`
    }`;
}
