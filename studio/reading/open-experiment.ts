/** An experiment and its runs, finished or running, as the readers of this room need them. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { MtrlError } from '../../core/errors.ts';
import type { KeptEvaluation, PolicyState } from '../../contract/activities.ts';
import { findExperimentIndex, type ExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { lastPolicyOf, recordsOf } from '../../pipeline/policies/run-log.ts';
import { snapshotOfCheckpoint } from '../../pipeline/policies/snapshot-of-checkpoint.ts';
import { type RlUpdate, rolloutUpdates, type StepRecord } from '../../pipeline/policies/step-record.ts';
import { recipeOf } from '../../pipeline/recipe-access.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { Library } from '../library.ts';

export interface StudioRun {
  readonly runName: string;
  readonly arm: string;
  readonly seed: number;
  readonly stepCount: number;
  readonly checkpoint: ArtifactRef;
  /** After its last step; of a running one, after its last snapshot. undefined if it answers at an endpoint. */
  readonly policy: PolicyState | undefined;
  /** Empty while it is trained. */
  readonly evaluations: readonly KeptEvaluation[];
}

export interface OpenExperiment {
  readonly experimentId: string;
  readonly state: string;
  readonly recipe: Recipe;
  readonly runs: readonly StudioRun[];
  /** Only of a finished one. */
  readonly index?: ExperimentIndex;
}

/** Throws NOT_FOUND for one that never was, that was deleted, or that has not come to anything yet. */
export async function openExperiment(library: Library, experimentId: string): Promise<OpenExperiment> {
  const index = await findExperimentIndex(library.store, experimentId);
  if (index !== undefined) return finished(library, index);
  const { running } = library;
  const found = await running?.find(experimentId);
  if (running === undefined || found === undefined) {
    throw new MtrlError('NOT_FOUND', 'there is no such experiment', {
      where: experimentId,
      hint: 'it may have been deleted, or it failed before its end: the first page lists those that there are',
    });
  }
  const { progress, status } = found;
  const runs = (progress?.runs ?? []).map(async ({ runName, arm, seed, stepCount, checkpoint }): Promise<StudioRun> => {
    const snapshot = await snapshotOfCheckpoint(library.store, checkpoint);
    const policy = snapshot && { snapshot, log: [] };
    return { runName, arm, seed, stepCount, checkpoint, policy, evaluations: [] };
  });
  const recipe = await running.recipeOf(experimentId);
  return { experimentId, state: progress?.state ?? status.toLowerCase(), recipe, runs: await Promise.all(runs) };
}

async function finished({ cache }: Library, index: ExperimentIndex): Promise<OpenExperiment> {
  const runs = index.runs.map((run): StudioRun => {
    const { plan, checkpoint, evaluations } = run;
    const { runName, arm, seed, stepCount } = plan;
    const policy = plan.endpoint === undefined ? lastPolicyOf(run) : undefined;
    return { runName, arm, seed, stepCount, checkpoint, policy, evaluations };
  });
  const { experimentId } = index;
  return { experimentId, state: 'finished', recipe: await recipeOf(cache, index.recipe), runs, index };
}

/** Throws NOT_FOUND, naming the runs that there are. */
export function runOf({ experimentId, runs }: OpenExperiment, runName: string): StudioRun {
  const run = runs.find((each) => each.runName === runName);
  if (run !== undefined) return run;
  throw new MtrlError('NOT_FOUND', 'the experiment has no such run', {
    where: `${experimentId}: ${runName === '' ? '(no run is named)' : runName}`,
    found: `runs ${runs.map((each) => each.runName).join(', ')}`,
  });
}

/** All step records of a run so far, in order. */
export function recordsOfRun({ cache }: Library, { policy }: StudioRun): Promise<StepRecord[]> {
  return policy === undefined ? Promise.resolve([]) : recordsOf(cache, policy);
}

/** Those of a run's steps that have rollouts, in order. */
export async function updatesOfRun(library: Library, run: StudioRun): Promise<RlUpdate[]> {
  return rolloutUpdates(await recordsOfRun(library, run));
}

/** The dataset that a run's rows count in. Throws NOT_FOUND before the run's first snapshot. */
export async function datasetRefOf(library: Library, experiment: OpenExperiment): Promise<ArtifactRef> {
  if (experiment.index !== undefined) return experiment.index.ingestion.dataset;
  for (const run of experiment.runs) {
    const [record] = await recordsOfRun(library, run);
    if (record !== undefined) return record.update.dataset;
  }
  throw new MtrlError('NOT_FOUND', 'no step of this experiment is stored yet', {
    where: experiment.experimentId,
    hint: 'steps become readable with the next snapshot',
  });
}
