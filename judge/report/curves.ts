/** Training curves: reward, accuracy and health per step for every trained run, then accuracy by task. */
import type { Objective } from '../../recipes/recipe.ts';
import type { CurvePoint, ReportData, ReportRun } from './data.ts';
import { type Html, html } from './html.ts';
import { type Line, lineChart } from './plot.ts';
import { seriesIndexOf } from './series.ts';

type Measure = Exclude<keyof CurvePoint, 'step' | 'byTask'>;

interface Chart {
  readonly title: string;
  readonly about: string;
  readonly measure: Measure;
  readonly range?: readonly [number, number];
  readonly logarithmic?: boolean;
}

const policyCharts: readonly Chart[] = [
  { title: 'Reward', about: 'mean of the step’s rollouts', measure: 'reward', range: [0, 1] },
  { title: 'Accuracy', about: 'rollouts with the correct verdict', measure: 'accuracy', range: [0, 1] },
  { title: 'Format', about: 'parsable rollouts', measure: 'formatRate', range: [0, 1] },
  {
    title: 'Informative groups',
    about: 'groups with differing rewards',
    measure: 'informativeGroupRate',
    range: [0, 1],
  },
  { title: 'Entropy', about: 'estimate from sampled tokens, nats', measure: 'entropy' },
  { title: 'Length', about: 'tokens of a completion', measure: 'completionTokenCount' },
  { title: 'KL', about: 'from the reference, nats per token', measure: 'klMean' },
  { title: 'Gradient norm', about: 'before clipping', measure: 'gradientNorm' },
  {
    title: 'Log-prob difference',
    about: 'largest, rollout to trainer',
    measure: 'logProbDifferenceMax',
    logarithmic: true,
  },
];
const supervisedCharts: readonly Chart[] = [
  { title: 'Loss', about: 'cross-entropy per token', measure: 'loss' },
  { title: 'Gradient norm', about: 'before clipping', measure: 'gradientNorm' },
];

const chartSize = { width: 360, height: 180 };

export function curves(data: ReportData): Html {
  const trained = data.runs.filter(({ curve }) => curve.length > 0);
  if (trained.length === 0) return html`<p class="muted">This experiment has no training runs.</p>`;
  const of = (wanted: Objective): ReportRun[] => trained.filter(({ objective }) => objective === wanted);
  return html`${group('Reinforcement learning', of('rl'), policyCharts, data)}
  ${taskCharts(of('rl'), data)}${group('Supervised', of('sft'), supervisedCharts, data)}`;
}

function group(
  title: string,
  runs: readonly ReportRun[],
  charts: readonly Chart[],
  data: ReportData,
): Html | undefined {
  if (runs.length === 0) return undefined;
  const figures = charts.map((chart) =>
    figure(
      chart,
      runs.map((run) => lineOf(run, chart.measure, data)),
    ),
  );
  return html`<h3>${title} ${legend(runs, data)}</h3>
    <div class="charts">${figures}</div>`;
}

function legend(runs: readonly ReportRun[], data: ReportData): Html {
  return html`<span class="legend"
    >${runs.map((run) => html`<span><i class="dot s${seriesIndexOf(data.runs, run)}"></i>${run.runName}</span>`)}</span
  >`;
}

function figure(chart: Omit<Chart, 'measure'>, lines: readonly Line[]): Html | undefined {
  const filled = lines.filter(({ values }) =>
    chart.logarithmic ? values.some(({ value }) => value > 0) : values.length > 0,
  );
  if (filled.length === 0) return undefined;
  const { title, about, range, logarithmic = false } = chart;
  return html`<figure class="chart">
    <figcaption>${title}<small>${about}</small></figcaption>
    ${lineChart({ lines: filled, logarithmic, ...chartSize, ...(range && { range }) })}
  </figure>`;
}

function lineOf(run: ReportRun, measure: Measure, data: ReportData): Line {
  const values = run.curve.flatMap((point) => {
    const value = point[measure];
    return value === undefined ? [] : [{ step: point.step, value }];
  });
  return { name: run.runName, colour: colourOf(run, data), values };
}

function taskCharts(runs: readonly ReportRun[], data: ReportData): Html | undefined {
  const tasks = [
    ...new Set(runs.flatMap(({ curve }) => curve.flatMap(({ byTask }) => (byTask ?? []).map(({ task }) => task)))),
  ];
  if (tasks.length === 0) return undefined;
  const figures = (about: string, measure: 'accuracy' | 'commonVerdictRate') =>
    tasks.map((task) => {
      const lines = runs.map((run) => {
        const values = run.curve.flatMap(({ step, byTask = [] }) =>
          byTask.flatMap((point) => {
            const value = point.task === task ? point[measure] : undefined;
            return value === undefined ? [] : [{ step, value }];
          }),
        );
        return { name: run.runName, colour: colourOf(run, data), values };
      });
      return figure({ title: task, about, range: [0, 1] }, lines);
    });
  const verdicts = figures('most frequent verdict', 'commonVerdictRate').filter((drawn) => drawn !== undefined);
  return html`<h3>Accuracy by task ${legend(runs, data)}</h3>
    <div class="charts">${figures('accuracy of rollouts', 'accuracy')}</div>
    ${
      verdicts.length > 0
        ? html`<h3>Verdicts by task ${legend(runs, data)}</h3>
            <p class="muted">The share of the most frequent verdict: 1 is a judge that has collapsed on the task.</p>
            <div class="charts">${verdicts}</div>`
        : undefined
    }`;
}

function colourOf(run: ReportRun, data: ReportData): string {
  return `var(--s${String(seriesIndexOf(data.runs, run))})`;
}
