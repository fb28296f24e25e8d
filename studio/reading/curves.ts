/** The curves of all runs of an experiment, each short enough for a page whatever the number of steps. */
import pMap from 'p-map';
import type { CurvePoint, TaskPoint } from '../../judge/report/data.ts';
import { curveOf } from '../../pipeline/reporting/report-curve.ts';
import type { Curves } from '../api.ts';
import type { Library } from '../library.ts';
import { openExperiment, recordsOfRun } from './open-experiment.ts';

const pointCountMax = 400;
const runsAtOnce = 2;

export async function curvesOf(library: Library, experimentId: string): Promise<Curves> {
  const { runs } = await openExperiment(library, experimentId);
  const read = async (run: (typeof runs)[number]) => {
    const points = await curveOf(library.cache, await recordsOfRun(library, run));
    return { runName: run.runName, points: thinned(points) };
  };
  return { runs: await pMap(runs, read, { concurrency: runsAtOnce }) };
}

/** Means over as many neighbouring steps as it takes, at the first step of each: those of all runs are the same. */
export function thinned(points: readonly CurvePoint[]): readonly CurvePoint[] {
  const width = Math.ceil(points.length / pointCountMax);
  if (width <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / width) }, (_, i) =>
    meanPoint(points.slice(i * width, (i + 1) * width)),
  );
}

function meanPoint(points: readonly CurvePoint[]): CurvePoint {
  const tasks = [...new Set(points.flatMap(({ byTask = [] }) => byTask.map(({ task }) => task)))];
  const byTask = tasks.map((task) => {
    const own = points.flatMap(({ byTask: all = [] }) => all.filter((point) => point.task === task));
    return { ...meanOf<TaskPoint>(own), task };
  });
  return { ...meanOf<CurvePoint>(points), step: points[0]?.step ?? 0, ...(byTask.length > 0 && { byTask }) };
}

/** The mean of each number, over the items that have it. */
function meanOf<T extends object>(items: readonly T[]): T {
  const names = new Set(items.flatMap((item) => Object.keys(item)));
  const means = [...names].flatMap((name) => {
    const values = items.flatMap((item) => {
      const value = (item as Readonly<Record<string, unknown>>)[name];
      return typeof value === 'number' ? [value] : [];
    });
    return values.length === 0 ? [] : [[name, values.reduce((sum, value) => sum + value, 0) / values.length] as const];
  });
  return Object.fromEntries(means) as T;
}
