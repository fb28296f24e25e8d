/** Makes one update of a policy and stores it as a step record, from which it can be replayed. */
import { required } from '../../core/assert.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { applySteps } from './apply-update.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { OptimizeInput, OptimizeResult } from '../../contract/optimize.ts';
import { durable, type Key } from '../durable.ts';
import type { JsonCache } from '../json-cache.ts';
import { plannedStep } from '../data/mixture-plan.ts';
import type { HeldEngine } from '../policies/policy-states.ts';
import { recipeOf } from '../recipe-access.ts';
import { keyOfState } from '../policies/state-key.ts';
import { firstSteps, planUpdate, readySteps, updateInputs } from './updates/table.ts';
import type { BadSteps } from '../../contract/guards.ts';
import {
  lastDigest,
  type StepOutcome,
  type StepRecord,
  type Update,
  stepRecordFormat,
} from '../policies/step-record.ts';
import type { Caller } from '../heartbeat.ts';

export function createOptimize(context: ComputeContext) {
  const { cache, states } = context;
  return async (input: OptimizeInput, caller: Caller): Promise<OptimizeResult> => {
    const { policy, reference } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const update = input.recorded
      ? await recordedUpdate(cache, input.recorded, input.toStep)
      : await planUpdate(recipe, input, async (step) => (await plannedStep(cache, input.plan, step)).rows);
    const { outputs, summary, ...made } = await durable(context.deps, 'optimize', keyOf(update, policy), () =>
      states.withPolicy(caller, { policy, reference }, (held) => optimize(context, held, policy, update)),
    );
    return { ...made, ...outputs, ...summary };
  };
}

/** The recorded update, up to `toStep`. */
async function recordedUpdate(cache: JsonCache, record: ArtifactRef, toStep: number): Promise<Update> {
  const { update } = await cache.getDocument(record, stepRecordFormat);
  return firstSteps(update, toStep);
}

async function optimize(context: ComputeContext, held: HeldEngine, policy: PolicyState, update: Update) {
  const { waits, engine } = held;
  const steps = await waits.for(prepareSteps(context, policy.snapshot, update));
  const startedAtMs = performance.now();
  const { outcomes, weightsDigest } = await held.change(async () => {
    const applied = await applySteps(engine, steps, update);
    return { outcomes: applied, weightsDigest: lastDigest(applied) ?? (await engine.weightsDigest()) };
  });
  const computeMs = performance.now() - startedAtMs;
  const { bitExact } = engine.capabilities;
  const made = { schema: 1, update, steps: outcomes, weightsDigest, runtime: held.runtime } as const;
  const value: StepRecord = bitExact ? made : { ...made, bitExact };
  const record = await waits.for(context.cache.put(value));
  held.became([...keyOfState(policy), record.sha256]);
  const summary = { ...summaryOf(outcomes), weightsDigest };
  if (summary.bad) context.deps.log.warn({ bad: summary.bad }, 'the numbers of a step are bad');
  return { outputs: { record }, summary, computeMs };
}

/** Prepares the steps of an update; a replay starts with it too. */
export async function prepareSteps(
  { cache, processors, prompter }: Pick<ComputeContext, 'cache' | 'processors' | 'prompter'>,
  snapshot: ArtifactRef,
  update: Update,
) {
  const prompted = await prompter.open(await processors.of(snapshot), update.dataset, update.prompting);
  return readySteps(cache, prompted, update);
}

/** The refs of the update are inputs; the rest of it is configuration. */
function keyOf(update: Update, { snapshot, log }: PolicyState): Key {
  const { inputs, config } = updateInputs(update);
  return { inputs: { snapshot, log, ...inputs }, config };
}

function summaryOf(outcomes: readonly StepOutcome[]) {
  const last = required(outcomes.at(-1), 'a step');
  return {
    loss: last.loss,
    gradientNorm: last.gradientNorm,
    learningRate: last.learningRate,
    logProbDifferenceMax: Math.max(...outcomes.map((outcome) => outcome.logProbDifferenceMax)),
    ...(last.samplerKlMean !== undefined && { samplerKlMean: last.samplerKlMean }),
    ...(last.klMean !== undefined && { klMean: last.klMean }),
    tokenCount: outcomes.reduce((sum, outcome) => sum + outcome.tokenCount, 0),
    droppedGroupCount: outcomes.reduce((sum, outcome) => sum + outcome.droppedGroupCount, 0),
    ...(last.ratio && { ratio: last.ratio }),
    ...(last.pairs && { pairs: last.pairs }),
    ...badOf(outcomes),
  };
}

function badOf(outcomes: readonly StepOutcome[]): { readonly bad?: BadSteps } {
  const found = outcomes.flatMap(({ step, bad }) => (bad ? [{ step, ...bad }] : []));
  const [first] = found;
  return first ? { bad: { ...first, skippedCount: found.filter(({ skipped }) => skipped).length } } : {};
}
