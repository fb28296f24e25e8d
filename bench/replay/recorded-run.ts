/** What a recorded run's engine was asked to do, from its log: the weights it started from, and the groups of each update. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { PolicyState } from '../../contract/activities.ts';
import { Prompter } from '../../pipeline/asking/prompts/prompter.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { Processors } from '../../pipeline/policies/processors.ts';
import { recordsOf, snapshotsOf } from '../../pipeline/policies/run-log.ts';
import { snapshotFormat } from '../../pipeline/policies/snapshot-artifact.ts';
import type { AdamSpec, StepOutcome, StepRecord, UpdateOutcome } from '../../pipeline/policies/step-record.ts';
import type { ReadyStep } from '../../pipeline/training/apply-update.ts';
import { prepareSteps } from '../../pipeline/training/optimize.ts';
import type { TrainableSpec } from '../../policy/engine.ts';

export interface RecordedRun {
  readonly start: ArtifactRef;
  /** Weights after the last update. */
  readonly final: ArtifactRef;
  readonly trainable: TrainableSpec;
  readonly adam: AdamSpec;
  readonly bannedTokenIds: readonly number[];
  /** In order; those without informative groups were not made. */
  readonly updates: AsyncIterable<RecordedUpdate>;
}

/** A step of one update, or one of several updates of a step. */
export interface RecordedUpdate extends ReadyStep {
  readonly recorded: Pick<UpdateOutcome, 'gradientNorm'>;
  /** Whether its rollouts are of the policy that it updates. */
  readonly isFirst: boolean;
}

/**
 * Undefined for a run without updates.
 * @param folder for the processor's files
 */
export async function recordedRun(
  store: ArtifactStore,
  policy: PolicyState,
  folder: string,
): Promise<RecordedRun | undefined> {
  const cache = new JsonCache(store);
  const processors = new Processors(cache, folder);
  const [first] = await snapshotsOf(cache, policy);
  const records = await recordsOf(cache, policy);
  const update = records[0]?.update;
  if (first === undefined || update === undefined) return undefined;
  if (first.optimizer !== null)
    throw new MtrlError('USAGE', 'the run continued with the optimizer state of another', { where: first.ref.uri });
  const context = { cache, processors, prompter: new Prompter(cache) };
  const { processor } = await processors.of(first.ref);
  const { checkpoint } = await cache.getDocument(policy.snapshot, snapshotFormat);
  const { trainable = {}, adam } = update;
  return {
    ...{ start: first.checkpoint, final: checkpoint, trainable, adam },
    updates: recordedUpdates(context, first.ref, records),
    bannedTokenIds: [...processor.bannedTokenIds],
  };
}

/** Their rollouts are read step by step: those of a long run do not fit into memory. */
async function* recordedUpdates(
  context: Parameters<typeof prepareSteps>[0],
  snapshot: ArtifactRef,
  records: readonly StepRecord[],
): AsyncGenerator<RecordedUpdate> {
  for (const { update, steps: outcomes } of records) {
    const { steps } = await prepareSteps(context, snapshot, update);
    for await (const step of steps) {
      const outcome = required(
        outcomes.find((each) => each.step === step.step),
        'the outcome of a step',
      );
      yield* updatesOf(step, outcome);
    }
  }
}

/** @throws USAGE if the updates depend on log-probs that only the engine computes */
function* updatesOf({ split, ...step }: ReadyStep, outcome: StepOutcome): Generator<RecordedUpdate> {
  if (split === undefined) {
    if (step.groups.length > 0) yield { ...step, recorded: outcome, isFirst: true };
    return;
  }
  if (split.needs.reference || split.needs.trainer)
    throw new MtrlError('USAGE', 'a step with a KL term, a correction, or pairs (DPO) cannot be replayed in PyTorch', {
      found: String(step.step),
    });
  let isFirst = true;
  for (const [i, { groups, droppedGroupCount }] of split.updatesOf({}).entries()) {
    if (groups.length === 0) continue;
    const recorded = required(outcome.updates?.[i], 'the outcome of an update');
    yield { ...step, groups, droppedGroupCount, recorded, isFirst };
    isFirst = false;
  }
}
