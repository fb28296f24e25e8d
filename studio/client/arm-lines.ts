/** Curves of runs as lines of arms: the mean over seeds with a band from the lowest to the highest, or each seed. */
import type { CurvePoint } from '../../judge/report/data.ts';
import type { ExperimentView, RunView } from '../api.ts';
import type { Line } from './widgets/chart.tsx';
import type { Point } from './widgets/chart-scale.ts';

export interface RunCurve {
  readonly run: RunView;
  readonly points: readonly CurvePoint[];
}

export function curvesWithRuns(
  { runs }: ExperimentView,
  curves: readonly { readonly runName: string; readonly points: readonly CurvePoint[] }[],
): RunCurve[] {
  return runs.flatMap((run) => {
    const points = curves.find(({ runName }) => runName === run.runName)?.points ?? [];
    return points.length === 0 ? [] : [{ run, points }];
  });
}

/** @param showsSeeds draws each seed beside the mean */
export function armLines(
  curves: readonly RunCurve[],
  valueOf: (point: CurvePoint) => number | undefined,
  showsSeeds: boolean,
): Line[] {
  const arms = [...new Set(curves.map(({ run }) => run.arm))];
  return arms.flatMap((arm): Line[] => {
    const own = curves.filter(({ run }) => run.arm === arm);
    const series = own[0]?.run.series ?? 0;
    const mean = meanOf(own, valueOf);
    if (mean.length === 0) return [];
    const seeds = own.map(({ run, points }) => ({
      ...{ name: run.runName, series, isFaint: true },
      points: points.flatMap((point) => pointOf(point, valueOf)),
    }));
    const line = { name: arm, series, points: showsSeeds ? mean.map(({ step, value }) => ({ step, value })) : mean };
    return showsSeeds && own.length > 1 ? [...seeds, line] : [line];
  });
}

function pointOf(point: CurvePoint, valueOf: (point: CurvePoint) => number | undefined): Point[] {
  const value = valueOf(point);
  return value === undefined ? [] : [{ step: point.step, value }];
}

function meanOf(curves: readonly RunCurve[], valueOf: (point: CurvePoint) => number | undefined): Point[] {
  const byStep = new Map<number, number[]>();
  for (const { points } of curves)
    for (const { step, value } of points.flatMap((point) => pointOf(point, valueOf)))
      byStep.set(step, [...(byStep.get(step) ?? []), value]);
  return [...byStep]
    .sort(([a], [b]) => a - b)
    .map(([step, values]) => {
      const value = values.reduce((a, b) => a + b, 0) / values.length;
      return { step, value, ...(values.length > 1 && { low: Math.min(...values), high: Math.max(...values) }) };
    });
}

/** The curve with the newest step of a running run, which the log does not hold yet. */
export function withNewest(points: readonly CurvePoint[], newest: readonly CurvePoint[]): readonly CurvePoint[] {
  const last = points.at(-1)?.step ?? -1;
  return [...points, ...newest.filter(({ step }) => step > last)];
}
