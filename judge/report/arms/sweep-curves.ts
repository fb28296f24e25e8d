/** Sweeps: Macro-F1 over a varied field, a line for each choice of the others; bands from the lowest to the highest seed. */
import { meanColumn } from '../../evaluation/arms/arm-scores.ts';
import type { Json } from '../../../core/json.ts';
import type { ReportArm, ReportData } from '../data.ts';
import { interval, points, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import { plainTable } from '../tables/plain-table.ts';
import { type ChartPoint, type Line, lineChart } from '../charts/plot.ts';
import { seriesCount } from '../series.ts';

type SweepPoint = ReportArm & Required<Pick<ReportArm, 'varied'>>;

export function sweepPoints({ arms }: Pick<ReportData, 'arms'>): readonly SweepPoint[] {
  return arms.flatMap((arm) => (arm.varied === undefined ? [] : [{ ...arm, varied: arm.varied }]));
}

const chartSize = { width: 360, height: 200 };

export function sweepCurves(data: Pick<ReportData, 'arms' | 'tasks'>): Html {
  const all = sweepPoints(data);
  const names = [...new Set(all.map(({ varied }) => varied.sweep))];
  return html`${names.map((name) =>
    sweepBlock(
      name,
      all.filter(({ varied }) => varied.sweep === name),
      data.tasks,
    ),
  )}`;
}

function sweepBlock(name: string, swept: readonly SweepPoint[], tasks: ReportData['tasks']): Html {
  const [axis = '', ...others] = Object.keys(swept[0]?.varied.values ?? {});
  const has = (column: string): boolean => swept.some(({ scores }) => scores[column] !== undefined);
  const columns = [
    ...(has(meanColumn) ? [{ column: meanColumn, title: 'mean of trained tasks' }] : []),
    ...tasks.flatMap(({ name: task, ood }) =>
      ood && has(task) ? [{ column: task, title: `${task}, never trained` }] : [],
    ),
  ];
  const choices = [...new Set(swept.map((point) => choiceOf(point, others)))];
  const legend = choices.map((choice, i) =>
    choice === '' ? undefined : html`<span><i class="dot s${i % seriesCount}"></i>${choice}</span>`,
  );
  const figures = columns.map(
    ({ column, title }) =>
      html`<figure class="chart">
        <figcaption>${title}<small>by ${axis}</small></figcaption>
        ${lineChart({
          ...{ ...chartSize, ticksAtValues: true },
          lines: choices.map((choice, i) => lineOf(swept, { axis, others, choice, column }, i)),
          logarithmicX: isLogarithmic(swept.map(({ varied }) => varied.values[axis] ?? null)),
        })}
      </figure>`,
  );
  const rowOf = (point: SweepPoint): string[] => [
    point.arm,
    ...columns.map(({ column }) => {
      const score = point.scores[column];
      return score === undefined ? '–' : `${points(score.value)} (${interval(score.ci95)})`;
    }),
  ];
  return html`<h3>${name} <span class="legend">${legend}</span></h3>
    <div class="charts">${figures}</div>
    ${plainTable(['arm', ...columns.map(({ title }) => title)], swept.map(rowOf))}`;
}

interface Wanted {
  readonly axis: string;
  readonly others: readonly string[];
  readonly choice: string;
  readonly column: string;
}

function lineOf(swept: readonly SweepPoint[], { axis, others, choice, column }: Wanted, i: number): Line {
  const values = swept.flatMap((point): ChartPoint[] => {
    const score = point.scores[column];
    if (score === undefined || choiceOf(point, others) !== choice) return [];
    const [low, high] = [Math.min(...score.bySeed), Math.max(...score.bySeed)];
    const step = positionOf(point.varied.values[axis] ?? null);
    return [{ step, value: 100 * score.value, low: 100 * low, high: 100 * high }];
  });
  const isNumeric = values.every(({ step }) => typeof step === 'number');
  return {
    name: choice,
    colour: `var(--s${String(i % seriesCount)})`,
    values: isNumeric
      ? [...values].sort((a, b) => Number(a.step) - Number(b.step))
      : values.map((point) => ({ ...point, step: String(point.step) })),
  };
}

/** `groupSize 8, mode think`: the other varied fields of a point. */
function choiceOf({ varied }: SweepPoint, others: readonly string[]): string {
  return others.map((field) => `${field} ${valueText(varied.values[field] ?? null)}`).join(', ');
}

/** A number, the length of a list (of trained tasks), or the value as text. */
function positionOf(value: Json): number | string {
  if (typeof value === 'number') return value;
  return Array.isArray(value) ? value.length : valueText(value);
}

function valueText(value: Json): string {
  if (typeof value === 'number') return significant(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Positive numbers over more than a decade, such as learning rates. */
function isLogarithmic(values: readonly Json[]): boolean {
  const numbers = values.filter((value) => typeof value === 'number');
  return (
    numbers.length === values.length && Math.min(...numbers) > 0 && Math.max(...numbers) > 9 * Math.min(...numbers)
  );
}
