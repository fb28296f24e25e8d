/** Experiments, and the scores of one. */
import { listExperiments } from '../../artifacts/experiment-list.ts';
import { algorithms } from '../../policy/algorithms/table.ts';
import { seriesIndexOf } from '../../judge/report/series.ts';
import { armOf } from '../../pipeline/recipe-access.ts';
import { isRl } from '../../recipes/arms.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { ExperimentEntry, ExperimentView, RunView } from '../api.ts';
import type { Library } from '../library.ts';
import { openExperiment, type StudioRun } from './open-experiment.ts';

/** The newest of the finished ones. */
const listedCountMax = 1_000;

export async function experimentEntries({ store, running }: Library): Promise<ExperimentEntry[]> {
  const open = (await running?.list()) ?? [];
  const finished: ExperimentEntry[] = [];
  for await (const { experimentId, finishedAtMs } of listExperiments(store))
    finished.push({ experimentId, finishedAtMs, state: 'finished' });
  finished.sort((a, b) => (b.finishedAtMs ?? 0) - (a.finishedAtMs ?? 0));
  return [
    ...open.map(({ experimentId, status, progress }) => ({
      experimentId,
      state: progress?.state ?? status.toLowerCase(),
    })),
    ...finished.slice(0, listedCountMax),
  ];
}

export async function experimentView(library: Library, experimentId: string): Promise<ExperimentView> {
  const { recipe, state, runs, index } = await openExperiment(library, experimentId);
  const { exampleCount, imageCount, quarantinedCount } = index?.ingestion ?? {};
  return {
    ...{ experimentId, state, name: recipe.name, ...(recipe.summary !== undefined && { summary: recipe.summary }) },
    tasks: Object.entries(recipe.tasks).map(([name, { kind, ood, labels }]) => ({ name, kind, ood, labels })),
    runs: runs.map((run) => runView(recipe, runs, run)),
    ...(exampleCount !== undefined && {
      dataset: { exampleCount, imageCount: imageCount ?? 0, quarantinedCount: quarantinedCount ?? 0 },
    }),
  };
}

function runView(recipe: Recipe, runs: readonly StudioRun[], run: StudioRun): RunView {
  const { runName, arm, seed, stepCount, evaluations } = run;
  const spec = armOf(recipe, arm);
  return {
    ...{ runName, arm, seed, stepCount, objective: spec.objective, mode: spec.mode },
    series: seriesIndexOf(
      runs.map((each) => shownAs(recipe, each)),
      shownAs(recipe, run),
    ),
    ...(isRl(spec) && { algorithm: algorithms[spec.algorithm].title }),
    scores: evaluations.map(({ scores }) => scores),
  };
}

function shownAs(recipe: Recipe, { arm }: StudioRun) {
  const { specialistOf } = armOf(recipe, arm);
  return { arm, ...(specialistOf !== undefined && { specialistOf }) };
}
