/** The activities of a compute worker: those that need an engine. */
import { onKnownRecipe } from '../pipeline/known-recipe.ts';
import { createAdmit } from '../pipeline/data/admit.ts';
import { computeContext } from '../pipeline/compute-context.ts';
import type { Made } from '../contract/activities.ts';
import type { ComputeActivities } from '../contract/compute-activities.ts';
import type { ComputeDeps } from '../pipeline/deps.ts';
import { asActivity } from './adapter.ts';
import { held } from './held.ts';
import { createEvaluate } from '../pipeline/asking/evaluate.ts';
import { type Caller, heartbeating } from '../pipeline/heartbeat.ts';
import { createAverageSnapshots } from '../pipeline/policies/average-snapshots.ts';
import { createImportPolicy } from '../pipeline/policies/import-policy.ts';
import { createJudgeRows } from '../pipeline/asking/judge-rows.ts';
import { createOptimize } from '../pipeline/training/optimize.ts';
import { onRequiredEngine } from '../pipeline/policies/required-engine.ts';
import { createFindRun, createKeepRun } from '../pipeline/training/kept-runs.ts';
import { createRollout } from '../pipeline/training/rollout.ts';
import { createStep } from '../pipeline/training/step.ts';
import { timed } from './timed.ts';
import { createSnapshot } from '../pipeline/policies/snapshot.ts';

/** @param ownQueue task queue that only this worker polls, for work on the policies that its engines hold */
export function createComputeActivities(deps: ComputeDeps, ownQueue?: string): ComputeActivities {
  const context = computeContext(deps);
  /** Adds heartbeats for the time before an engine is held, when recipes and examples are read. */
  const activity = <I, R>(work: (input: I, caller: Caller) => Promise<R>) =>
    asActivity(deps.store, heartbeating(onKnownRecipe(deps.store, work)));
  return {
    importPolicy: activity(onRequiredEngine(context, createImportPolicy(context))),
    admit: activity(createAdmit(context)),
    // Here and not with the control activities, because the engine's backend is part of the key.
    findRun: activity(onRequiredEngine(context, createFindRun(deps, context.cache))),
    keepRun: activity(onRequiredEngine(context, createKeepRun(deps, context.cache))),
    rollout: activity(onRequiredEngine(context, createRollout(context))),
    optimize: activity(onRequiredEngine(context, timed(deps.store, held(ownQueue, isNew, createOptimize(context))))),
    step: activity(
      onRequiredEngine(
        context,
        timed(
          deps.store,
          held(ownQueue, ({ update }) => isNew(update), createStep(context)),
        ),
      ),
    ),
    snapshot: activity(held(ownQueue, isNew, createSnapshot(context))),
    averageSnapshots: activity(createAverageSnapshots(context)),
    evaluate: activity(onRequiredEngine(context, createEvaluate(context))),
    judgeRows: activity(onRequiredEngine(context, createJudgeRows(context))),
  };
}

function isNew({ cached }: Made): boolean {
  return !cached;
}
