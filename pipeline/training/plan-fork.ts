/**
 * Plans what a fork shares with its original experiment: the steps taken over from each run, and the policy after them.
 */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { readManifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { requireForkable } from '../../recipes/checks/fork-changes.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { ArmPlan, MixSegment, StageCost } from '../../contract/activities.ts';
import { requireExperimentIndex } from '../reporting/experiment-index.ts';
import type { OriginRun, PlanForkInput, PlanForkResult, SharedRun } from '../../contract/fork.ts';
import type { JsonCache } from '../json-cache.ts';
import { mixturePlanFormat } from '../data/mixture-plan.ts';
import { planRuns } from './plan-runs.ts';
import { recipeOf } from '../recipe-access.ts';
import { endOf, lastPolicyOf, readRecords, snapshotsOf } from '../policies/run-log.ts';
import { rolloutUpdates, type StepRecord } from '../policies/step-record.ts';

/** Throws NOT_FOUND, RECIPE_INVALID, FORK_CHANGE_REFUSED, FORK_STEP_UNREACHED. */
export function createPlanFork(cache: JsonCache) {
  return async (input: PlanForkInput): Promise<PlanForkResult> => {
    const { experimentId, arm, fromStep } = input;
    const origin = await originOf(cache, input);
    const recipe = parseRecipe(input.recipe);
    requireForkable(origin.recipe, recipe, { experimentId, arm, fromStep });
    const touched = startingFrom(recipe, arm);
    const shared = await Promise.all(
      planRuns(recipe).map(async (plan) => {
        const isForked = plan.arm === arm;
        if (plan.stepCount === 0 || (touched.has(plan.arm) && !isForked)) return [];
        // Trained again, from the stored results of its steps and validations, which select its policy.
        if (plan.validation && !isForked) return [];
        const run = origin.runs.find(({ runName }) => runName === plan.runName);
        const log = run && (await readLog(cache, run));
        if (isForked && (log?.stepCount ?? 0) < fromStep) throw unreached(input, plan, log?.stepCount ?? 0);
        return log ? sharedRun(cache.store, log, plan, isForked ? fromStep : undefined) : [];
      }),
    );
    return { experimentId, arm, fromStep, runs: shared.flat() };
  };
}

async function originOf(cache: JsonCache, { experimentId, origin }: PlanForkInput) {
  if (origin) return { recipe: parseRecipe(origin.recipe), runs: origin.runs };
  const { recipe, runs } = await requireExperimentIndex(cache.store, experimentId);
  const ended = runs.map(({ mixture, ...run }): OriginRun => ({
    ...{ runName: run.plan.runName, policy: lastPolicyOf(run) },
    ...(mixture && { mixture }),
  }));
  return { recipe: await recipeOf(cache, recipe), runs: ended };
}

/** The arm, and the arms that start from its final policy, directly or through others. */
function startingFrom({ arms }: Recipe, arm: string): ReadonlySet<string> {
  const reached = new Set([arm]);
  for (const _ of Object.keys(arms)) {
    for (const [name, { from }] of Object.entries(arms)) if (from !== undefined && reached.has(from)) reached.add(name);
  }
  return reached;
}

interface RunLog {
  readonly snapshots: Awaited<ReturnType<typeof snapshotsOf>>;
  /** In order, with their refs. */
  readonly records: readonly { readonly ref: ArtifactRef; readonly record: StepRecord }[];
  readonly stepCount: number;
  readonly mixture?: ArtifactRef;
}

async function readLog(cache: JsonCache, { policy, mixture }: OriginRun): Promise<RunLog> {
  const snapshots = await snapshotsOf(cache, policy);
  const refs = [...snapshots.flatMap(({ records }) => records), ...policy.log];
  const records = (await readRecords(cache, refs)).map((record, i) => ({ ref: required(refs[i], 'a ref'), record }));
  const last = records.at(-1);
  return { snapshots, records, stepCount: last ? endOf(last.record) : 0, ...(mixture && { mixture }) };
}

/** The shared part of a run: up to `fromStep`, or the whole run if undefined. Empty if no step is shared. */
async function sharedRun(
  store: ArtifactStore,
  log: RunLog,
  plan: ArmPlan,
  fromStep: number | undefined,
): Promise<SharedRun[]> {
  const wanted = fromStep ?? log.stepCount;
  if (wanted === 0) return [];
  const { snapshots, records } = log;
  const done = records.filter(({ record }) => endOf(record) <= wanted);
  const step = Math.max(0, ...done.map(({ record }) => endOf(record)));
  // Training goes on from a snapshot, and not from the mean of several, with which a whole run ends.
  const isWhole = wanted >= plan.stepCount;
  const taken = snapshots.filter((snapshot) => snapshot.step <= step && (isWhole || snapshot.averaged === undefined));
  const [first, newest] = [required(taken[0], 'the first snapshot'), required(taken.at(-1), 'a snapshot')];
  const cut = step < wanted ? required(records[done.length], 'the step record').ref : undefined;
  const isPlannedAnew = plan.replanEveryStepCount !== undefined && wanted < plan.stepCount;
  const segment = isPlannedAnew ? await segmentBefore(store, log, wanted) : undefined;
  if (isPlannedAnew && !isSegment(segment)) {
    // A run of another arm is trained again if it ends between two segments.
    if (fromStep === undefined) return [];
    throw betweenSegments(plan, fromStep, segment);
  }
  const shared: SharedRun = {
    ...{ runName: plan.runName, step },
    policy: {
      snapshot: newest.ref,
      log: done.filter(({ record }) => endOf(record) > newest.step).map(({ ref }) => ref),
    },
    checkpoint: checkpointOf(newest),
    initial: { policy: { snapshot: first.ref, log: [] }, checkpoint: checkpointOf(first) },
    stages: stagesOf(
      done.map(({ record }) => record),
      taken.filter(({ averaged }) => averaged === undefined).length - 1,
    ),
    ...(cut && { cut: { record: cut, toStep: wanted } }),
    ...(isWhole && log.mixture && { mixture: log.mixture }),
    ...(isSegment(segment) && { segment }),
  };
  return [shared];
}

/** The checkpoint with the snapshot's producer: one activity made both. */
function checkpointOf({ checkpoint, ref }: RunLog['snapshots'][number]): ArtifactRef {
  return ref.producer === undefined ? checkpoint : { ...checkpoint, producer: ref.producer };
}

function stagesOf(records: readonly StepRecord[], snapshotCount: number): StageCost[] {
  const updates = rolloutUpdates(records);
  const counts = [
    ['rollout', updates.reduce((sum, { rollouts }) => sum + rollouts.length, 0)],
    ['reward', updates.length],
    ['optimize', records.length],
    ['snapshot', snapshotCount],
  ] as const;
  return counts
    .filter(([, count]) => count > 0)
    .map(([activity, count]) => ({ activity, count, cachedCount: count, computeMs: 0 }));
}

/**
 * Inputs for planning the curriculum segment that begins at `fromStep`: the previous plan and the rewards since. If
 * none begins there, the steps at which segments begin.
 */
async function segmentBefore(store: ArtifactStore, log: RunLog, fromStep: number): Promise<MixSegment | number[]> {
  const starts: number[] = [];
  for (let next = log.mixture; next;) {
    const planned = await store.getDocument(next, mixturePlanFormat);
    if (planned.fromStep + planned.stepCount === fromStep) {
      const rewards = rolloutUpdates(log.records.map(({ record }) => record))
        .filter(({ step }) => step >= planned.fromStep && step < fromStep)
        .map((update) => update.rewards);
      return { fromStep, previous: next, rewards };
    }
    starts.unshift(planned.fromStep);
    next = await planBefore(store, next);
  }
  return starts;
}

function isSegment(found: MixSegment | number[] | undefined): found is MixSegment {
  return found !== undefined && 'fromStep' in found;
}

function betweenSegments({ runName }: ArmPlan, fromStep: number, starts: readonly number[] | undefined): MtrlError {
  return new MtrlError('FORK_STEP_UNREACHED', 'a run with a curriculum can only be forked where a segment begins', {
    where: `${runName}, --from-step ${String(fromStep)}`,
    found: starts?.length ? `segments that begin at ${starts.join(', ')}` : 'a run that has not ended',
    hint: 'name one of these steps',
  });
}

async function planBefore(store: ArtifactStore, { producer }: ArtifactRef): Promise<ArtifactRef | undefined> {
  const made = producer === undefined ? undefined : await readManifest(store, producer);
  const previous = made?.manifest.inputs['previous'];
  return previous && 'sha256' in previous ? previous : undefined;
}

function unreached({ experimentId, fromStep }: PlanForkInput, { runName }: ArmPlan, stepCount: number): MtrlError {
  return new MtrlError('FORK_STEP_UNREACHED', 'the run never reached that step', {
    where: `experiment ${experimentId}, --from-step ${String(fromStep)}`,
    found: `${runName} has ${String(stepCount)} stored steps`,
    hint: `name a step from 0 to ${String(stepCount)}; steps of a running run become available with the next snapshot`,
  });
}
