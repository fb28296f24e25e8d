/** Replays a recorded step on an engine that holds the policy before it. */
import { applySteps } from '../training/apply-update.ts';
import type { ComputeContext } from '../compute-context.ts';
import { prepareSteps } from '../training/optimize.ts';
import type { Replay, ReplayedStep } from './policy-states.ts';
import {
  describeRuntime,
  isFromRollouts,
  lastDigest,
  promiseSameBits,
  type StepOutcome,
  stepRecordFormat,
} from './step-record.ts';

export function createReplay(contextOf: () => ComputeContext): Replay {
  return async ({ engine, snapshot, record: ref, runtime, bringReference }): Promise<ReplayedStep> => {
    const context = contextOf();
    const record = await context.cache.getDocument(ref, stepRecordFormat);
    const { update } = record;
    const [now, then] = [describeRuntime(runtime), describeRuntime(record.runtime)];
    if (!promiseSameBits(runtime, record.runtime))
      context.deps.log.warn({ now, then }, 'a step is replayed on another runtime than it was made on');
    if (isFromRollouts(update) && update.reference) await bringReference(update.reference);
    const steps = await prepareSteps(context, snapshot, update);
    const outcomes = await applySteps(engine, steps, update);
    return {
      step: outcomes[0]?.step ?? 0,
      ...differingUpdate(outcomes, record.steps),
      weightsDigest: lastDigest(outcomes) ?? (await engine.weightsDigest()),
      recordedDigest: record.weightsDigest,
      recordedRuntime: record.runtime,
    };
  };
}

/** The first update, 0-based, whose weights are not those recorded; nothing if the step was one update. */
function differingUpdate(replayed: readonly StepOutcome[], recorded: readonly StepOutcome[]): { update?: number } {
  const [now, then] = [replayed, recorded].map((outcomes) => outcomes.flatMap(({ updates = [] }) => updates));
  const update = now?.findIndex(({ weightsDigest }, i) => weightsDigest !== then?.[i]?.weightsDigest) ?? -1;
  return update === -1 ? {} : { update };
}
