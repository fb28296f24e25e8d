/** Training curves: reward, accuracy and health per step for every trained arm, then accuracy by task. */
import type { Objective } from '../../../recipes/recipe.ts';
import { rowsOf } from '../arms/arm-table.ts';
import type { CurvePoint, ReportData, ReportRun } from '../data.ts';
import { type Html, html } from '../html.ts';
import { type Line, lineChart } from './plot.ts';
import { seriesIndexOf } from '../series.ts';

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
  { title: 'Sampler KL', about: 'to the trainer, nats per token', measure: 'samplerKlMean', logarithmic: true },
  { title: 'Clipped ratios', about: 'share of the step’s updates', measure: 'clippedShare' },
  { title: 'Largest ratio', about: 'of new to old probability', measure: 'ratioMax', logarithmic: true },
  { title: 'Pairs', about: 'prompts with a better and a worse rollout', measure: 'pairCount' },
  { title: 'Pair margin', about: 'implicit reward, better less worse', measure: 'pairMargin' },
  { title: 'Pair accuracy', about: 'better ones with the higher reward', measure: 'pairAccuracy', range: [0, 1] },
  { title: 'Closeness', about: 'of scores to the label', measure: 'closeness', range: [0, 1] },
  { title: 'Agreement', about: 'of all orders of a pair', measure: 'agreement', range: [0, 1] },
  { title: 'Grader', about: 'mean score', measure: 'graderScore', range: [0, 1] },
  { title: 'Length penalty', about: 'mean', measure: 'overlongPenalty' },
  { title: 'Speed', about: 'tokens sampled by second of compute', measure: 'rolloutTokensPerSecond' },
];
const supervisedCharts: readonly Chart[] = [
  { title: 'Loss', about: 'cross-entropy per token', measure: 'loss' },
  { title: 'Gradient norm', about: 'before clipping', measure: 'gradientNorm' },
];

const chartSize = { width: 360, height: 180 };

/** The runs that a line stands for: those of an arm, one for each seed or specialist. */
interface Trace {
  readonly name: string;
  readonly runs: readonly ReportRun[];
  readonly colour: number;
}

export function curves(data: ReportData): Html {
  const traces = tracesOf(data);
  if (traces.length === 0) return html`<p class="muted">This experiment has no training runs.</p>`;
  const of = (wanted: Objective): Trace[] => traces.filter(({ runs }) => runs[0]?.objective === wanted);
  const hasBands = traces.some(({ runs }) => runs.length > 1);
  return html`${hasBands ? html`<p class="muted">An arm with several runs: their mean, and a band from the lowest to the highest.</p>` : undefined}${group('Reinforcement learning', of('rl'), policyCharts)}
  ${taskCharts(of('rl'), data.tasks)}${group('Supervised', of('sft'), supervisedCharts)}`;
}

/** Points of sweeps are on curves of their own. */
function tracesOf({ arms, runs }: ReportData): Trace[] {
  return rowsOf({ arms }).flatMap(({ arm, runNames }): Trace[] => {
    const trained = runs.filter(({ runName, curve }) => runNames.includes(runName) && curve.length > 0);
    const [first] = trained;
    if (first === undefined) return [];
    const name = trained.length === 1 ? first.runName : arm;
    return [{ name, runs: trained, colour: seriesIndexOf(runs, first) }];
  });
}

function group(title: string, traces: readonly Trace[], charts: readonly Chart[]): Html | undefined {
  if (traces.length === 0) return undefined;
  const figures = charts.map((chart) =>
    figure(
      chart,
      traces.map((trace) => lineOf(trace, (point) => point[chart.measure])),
    ),
  );
  return html`<h3>${title} ${legend(traces)}</h3>
    <div class="charts">${figures}</div>`;
}

function legend(traces: readonly Trace[]): Html {
  return html`<span class="legend"
    >${traces.map(({ name, colour }) => html`<span><i class="dot s${colour}"></i>${name}</span>`)}</span
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

/** The mean over runs at each step that any of them has, with a band where several have it. */
function lineOf({ name, runs, colour }: Trace, valueOf: (point: CurvePoint) => number | undefined): Line {
  const byStep = new Map<number, number[]>();
  for (const point of runs.flatMap(({ curve }) => curve)) {
    const value = valueOf(point);
    if (value !== undefined) byStep.set(point.step, [...(byStep.get(point.step) ?? []), value]);
  }
  const values = [...byStep]
    .sort(([a], [b]) => a - b)
    .map(([step, found]) => {
      const value = found.reduce((sum, each) => sum + each, 0) / found.length;
      return { step, value, ...(found.length > 1 && { low: Math.min(...found), high: Math.max(...found) }) };
    });
  return { name, colour: `var(--s${String(colour)})`, values };
}

function taskCharts(traces: readonly Trace[], known: ReportData['tasks']): Html | undefined {
  const points = traces.flatMap(({ runs }) => runs.flatMap(({ curve }) => curve.flatMap(({ byTask }) => byTask ?? [])));
  const trained = new Set(points.map(({ task }) => task));
  const tasks = known.map(({ name }) => name).filter((name) => trained.has(name));
  if (tasks.length === 0) return undefined;
  const figures = (about: string, measure: 'accuracy' | 'commonVerdictRate') =>
    tasks.map((task) => {
      const lines = traces.map((trace) =>
        lineOf(trace, ({ byTask = [] }) => byTask.find((point) => point.task === task)?.[measure]),
      );
      return figure({ title: task, about, range: [0, 1] }, lines);
    });
  const verdicts = figures('most frequent verdict', 'commonVerdictRate').filter((drawn) => drawn !== undefined);
  return html`<h3>Accuracy by task ${legend(traces)}</h3>
    <div class="charts">${figures('accuracy of rollouts', 'accuracy')}</div>
    ${
      verdicts.length > 0
        ? html`<h3>Verdicts by task ${legend(traces)}</h3>
            <p class="muted">The share of the most frequent verdict: 1 is a judge that has collapsed on the task.</p>
            <div class="charts">${verdicts}</div>`
        : undefined
    }`;
}
