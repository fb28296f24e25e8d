/** Reliability beyond Macro-F1: confusion, agreement, calibration, samples, unparsable answers. */
import { calibrationPlot } from './charts/calibration-plot.ts';
import type { ReportData, ReportRun, ReportScores } from './data.ts';
import { points } from './format.ts';
import { type Html, html } from './html.ts';
import { plainTable, runTable } from './tables/plain-table.ts';

export function hasReliability({ runs }: ReportData): boolean {
  return runs.some(({ scores }) => scores.some(({ confusion }) => confusion !== undefined));
}

export function reliability({ runs }: ReportData): Html {
  const all = runs.flatMap((run) => run.scores.map((scores) => ({ run, scores })));
  return html`${agreementTable(all)} ${pairs(all)}${forcedChoice(all)}${samples(all)}${rationales(all)}
    <details>
      <summary>
        Confusion matrices: rows are labels, columns are verdicts, the last column is unparsable answers
      </summary>
      <div class="confusions">${all.map(confusionBlock)}</div>
    </details>`;
}

interface Row {
  readonly run: ReportRun;
  readonly scores: ReportScores;
}

function agreementTable(all: readonly Row[]): Html {
  const heads = [
    'run',
    'task',
    'accuracy',
    'balanced',
    'kappa',
    'correlation',
    'unparsable',
    'of these truncated',
    'reasons',
  ];
  const rows = all.map(({ run, scores }) => [
    ...[run.runName, scores.task, points(scores.accuracy), optional(scores.balancedAccuracy, points)],
    optional(scores.cohenKappa, (kappa) => kappa.toFixed(2)),
    correlationText(scores),
    ...[points(scores.unparsableRate), points(scores.truncatedRate)],
    reasonText(scores),
  ]);
  return runTable(heads, rows);
}

function optional(value: number | undefined, text: (value: number) => string): string {
  return value === undefined ? '–' : text(value);
}

function correlationText({ correlation }: ReportScores): string {
  if (correlation === undefined) return '–';
  const { pearson, spearman, kendallTauB } = correlation;
  const two = (value: number | undefined): string => optional(value, (each) => each.toFixed(2));
  return `r ${two(pearson)}, ρ ${two(spearman)}, τ ${two(kendallTauB)}`;
}

function reasonText({ unparsableByReason = {} }: ReportScores): string {
  const reasons = Object.entries(unparsableByReason).filter(([reason]) => reason !== 'truncated');
  return reasons.map(([reason, rate]) => `${reason} ${points(rate)}`).join(', ') || '–';
}

function pairs(all: readonly Row[]): Html | undefined {
  const rows = all.flatMap(({ run, scores }) => {
    const { consistencyRate, firstPositionRate, consistentAccuracy } = scores;
    if (consistencyRate === undefined) return [];
    const rates = [points(consistencyRate), optional(firstPositionRate, points), optional(consistentAccuracy, points)];
    return [[run.runName, scores.task, ...rates]];
  });
  if (rows.length === 0) return undefined;
  return html`<h3>
      Pairs in both orders
      <small>an unbiased judge chooses the same image in both, and the first position in half of the cases</small>
    </h3>
    ${runTable(['run', 'task', 'same choice', 'first position', 'right in both'], rows)}`;
}

function forcedChoice(all: readonly Row[]): Html | undefined {
  const rows = all.flatMap(({ run, scores }) => {
    const { forcedChoice: forced } = scores;
    if (forced === undefined) return [];
    const { macroF1, brier, ece, bins } = forced;
    return [
      [
        run.runName,
        scores.task,
        points(scores.macroF1),
        points(macroF1),
        brier.toFixed(3),
        ece.toFixed(3),
        calibrationPlot(bins),
      ],
    ];
  });
  if (rows.length === 0) return undefined;
  return html`<h3>
      Forced choice
      <small>the most probable label at the position of the verdict, also where the answer is unparsable</small>
    </h3>
    ${runTable(['run', 'task', 'strict', 'forced', 'Brier', 'calibration error', 'accuracy by confidence'], rows)}`;
}

function samples(all: readonly Row[]): Html | undefined {
  const rows = all.flatMap(({ run, scores }) => {
    if (scores.samples === undefined) return [];
    const { sampleCount, passAt1, passAtK, majAtK, likeliestOfK, agreement } = scores.samples;
    const rates = [passAt1, passAtK, majAtK, likeliestOfK, agreement].map((rate) =>
      rate === undefined ? '–' : points(rate),
    );
    return [[run.runName, scores.task, String(sampleCount), ...rates]];
  });
  if (rows.length === 0) return undefined;
  return html`<h3>Several samples</h3>
    ${runTable(['run', 'task', 'k', 'pass@1', 'pass@k', 'maj@k', 'most probable of k', 'self-consistency'], rows)}`;
}

function rationales(all: readonly Row[]): Html | undefined {
  const rows = all.flatMap(({ run, scores }) => {
    if (scores.rationales === undefined) return [];
    const { stanceCount, contradictionRate, silentRate } = scores.rationales;
    return [[run.runName, scores.task, String(stanceCount), points(contradictionRate), points(silentRate)]];
  });
  if (rows.length === 0) return undefined;
  return html`<h3>Rationale and verdict</h3>
    ${runTable(['run', 'task', 'rationales with a cue', 'contradicted by the verdict', 'without a cue'], rows)}`;
}

function confusionBlock({ run, scores: { task, confusion } }: Row): Html | undefined {
  if (confusion === undefined) return undefined;
  const { labels, counts } = confusion;
  const rows = labels.map((label, i) => [label, ...(counts[i] ?? []).map(String)]);
  return html`<figure>
    <figcaption>${run.runName} <small>${task}</small></figcaption>
    ${plainTable(['', ...labels, '–'], rows)}
  </figure>`;
}
