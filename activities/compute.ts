/** The activities of a compute worker: those that need an engine. */
import { join } from 'node:path';
import { createAdmit } from '../pipeline/data/admit.ts';
import type { ComputeContext } from '../pipeline/compute-context.ts';
import type { ComputeActivities } from '../contract/compute-activities.ts';
import type { ComputeDeps } from '../pipeline/deps.ts';
import { asActivity } from './adapter.ts';
import { createEvaluate } from '../pipeline/asking/evaluate.ts';
import { type Caller, heartbeating } from '../pipeline/heartbeat.ts';
import { createAverageSnapshots } from '../pipeline/policies/average-snapshots.ts';
import { createImportPolicy } from '../pipeline/policies/import-policy.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { createJudgeRows } from '../pipeline/asking/judge-rows.ts';
import { createOptimize } from '../pipeline/training/optimize.ts';
import { PolicyStates } from '../pipeline/policies/policy-states.ts';
import { Processors } from '../pipeline/policies/processors.ts';
import { Prompter } from '../pipeline/asking/prompter.ts';
import { createReplay } from '../pipeline/policies/replay.ts';
import { onRequiredEngine } from '../pipeline/policies/required-engine.ts';
import { createFindRun, createKeepRun } from '../pipeline/training/kept-runs.ts';
import { createRollout } from '../pipeline/training/rollout.ts';
import { createStep } from '../pipeline/training/step.ts';
import { createSnapshot } from '../pipeline/policies/snapshot.ts';

export function createComputeActivities(deps: ComputeDeps): ComputeActivities {
  const context = computeContext(deps);
  /** Adds heartbeats for the time before an engine is held, when recipes and examples are read. */
  const activity = <I, R>(work: (input: I, caller: Caller) => Promise<R>) => asActivity(deps.store, heartbeating(work));
  return {
    importPolicy: activity(onRequiredEngine(context, createImportPolicy(context))),
    admit: activity(createAdmit(context)),
    // Here and not with the control activities, because the engine's backend is part of the key.
    findRun: activity(onRequiredEngine(context, createFindRun(deps, context.cache))),
    keepRun: activity(onRequiredEngine(context, createKeepRun(deps, context.cache))),
    rollout: activity(onRequiredEngine(context, createRollout(context))),
    optimize: activity(onRequiredEngine(context, createOptimize(context))),
    step: activity(onRequiredEngine(context, createStep(context))),
    snapshot: activity(createSnapshot(context)),
    averageSnapshots: activity(createAverageSnapshots(context)),
    evaluate: activity(onRequiredEngine(context, createEvaluate(context))),
    judgeRows: activity(onRequiredEngine(context, createJudgeRows(context))),
  };
}

function computeContext(deps: ComputeDeps): ComputeContext {
  const { store, enginePool: pool, transfer, stateCache, spoolFolder } = deps;
  const cache = new JsonCache(store);
  const context: ComputeContext = {
    deps,
    cache,
    states: new PolicyStates({ store, pool, transfer, cache: stateCache, replay: createReplay(() => context) }),
    processors: new Processors(cache, join(spoolFolder, 'processors')),
    prompter: new Prompter(cache),
  };
  return context;
}
