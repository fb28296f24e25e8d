/** The judge that the server answers with: a policy, the processor of its prompts, and the recipe of its tasks. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { AnswerMode } from '../../judge/example.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { PolicySource } from '../../contract/workflows.ts';
import type { ComputeContext } from '../../pipeline/compute-context.ts';
import type { Calibration } from '../../pipeline/asking/calibration.ts';
import type { Answering } from '../../pipeline/asking/kept-answers.ts';
import type { Caller } from '../../pipeline/heartbeat.ts';
import { createImportPolicy } from '../../pipeline/policies/import-policy.ts';
import type { LoadedProcessor } from '../../pipeline/policies/processors.ts';
import { onRequiredEngine } from '../../pipeline/policies/required-engine.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { JoinedCalls } from '../batching/joined-calls.ts';

/** What is to be served. */
export interface Wanted {
  /** As clients name it. */
  readonly name: string;
  readonly recipe: Recipe;
  readonly mode: AnswerMode;
  /** Default: the recipe's own policy. */
  readonly source?: PolicySource;
  /** Of a promoted name. */
  readonly version?: number;
  /** For requests that ask for calibrated probabilities; of one policy, which may not be the one that is served. */
  readonly calibration?: Calibration;
}

export interface ServedPolicy extends Omit<Wanted, 'source'> {
  readonly policy: PolicyState;
  /** Its digest is the policy's. */
  readonly checkpoint: ArtifactRef;
  readonly loaded: LoadedProcessor;
  /** The engine as one request sees it: whatever it asks is given up once the signal aborts. */
  readonly engine: (signal: AbortSignal) => Answering;
}

/** Brings the policy into an engine. Throws CHECKPOINT_INVALID, FILE_MISSING, PROVIDER_UNAVAILABLE, ARTIFACT_MISSING. */
export async function servedPolicy(
  context: ComputeContext,
  calls: JoinedCalls,
  { source, ...wanted }: Wanted,
): Promise<ServedPolicy> {
  const { cache, states, processors } = context;
  const recipe = await cache.put(wanted.recipe);
  const bring = onRequiredEngine(context, createImportPolicy(context));
  const { policy, checkpoint } =
    source?.kind === 'state'
      ? source
      : await bring({ recipe, ...(source && { checkpoint: source.checkpoint }) }, nobody('import'));
  await states.withPolicy(nobody('load'), { policy }, () => Promise.resolve());
  const loaded = await processors.of(policy.snapshot);
  return { ...wanted, policy, checkpoint, loaded, engine: (signal) => calls.of(policy, signal) };
}

/** A caller to which nothing is reported, and which cancels nothing. */
export function nobody(activityId: string): Caller {
  return {
    heartbeat: () => undefined,
    cancellationSignal: new AbortController().signal,
    request: { activityId },
  };
}
