/**
 * What passes through Temporal of a fork: an experiment that shares the first steps of another one's runs. The workflow
 * `planFork` finds what is shared; the workflow `experiment` takes it beside its recipe.
 */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { ImportPolicyResult, MixSegment, PolicyState, StageCost } from './activities.ts';

export interface PlanForkInput {
  /** The experiment whose steps are shared. */
  readonly experimentId: string;
  /** The arm that continues with other settings; all of its runs are forked. */
  readonly arm: string;
  /** The first step with the new settings, 0-based. */
  readonly fromStep: number;
  /** Of the new experiment, as it will be sent. */
  readonly recipe: unknown;
  /** What an experiment that has not ended has made so far; one that has ended is found by its index. */
  readonly origin?: ForkOrigin;
}

export interface ForkOrigin {
  readonly recipe: unknown;
  readonly runs: readonly OriginRun[];
}

export interface OriginRun {
  readonly runName: string;
  /** The newest that is known. */
  readonly policy: PolicyState;
  readonly mixture?: ArtifactRef;
}

/** What `experiment` takes as its second argument. */
export interface Fork extends Pick<PlanForkInput, 'experimentId' | 'arm' | 'fromStep'> {
  /** Of the forked arm up to the fork, of the arms that it does not reach whole; arms that start from it are not here. */
  readonly runs: readonly SharedRun[];
}
export type PlanForkResult = Fork;

/** The start of a run that shares another one's first steps. */
export interface SharedRun {
  readonly runName: string;
  /** Steps before this one are done. */
  readonly step: number;
  readonly policy: PolicyState;
  /** The newest at or before that step. */
  readonly checkpoint: ArtifactRef;
  /** The policy that the other run started from: a KL term still refers to it. */
  readonly initial: Pick<ImportPolicyResult, 'policy' | 'checkpoint'>;
  /** What is shared, as activities that were found. */
  readonly stages: readonly StageCost[];
  /** A fork in the middle of a supervised update of several steps first does its steps up to `toStep`, as recorded. */
  readonly cut?: { readonly record: ArtifactRef; readonly toStep: number };
  /** The other run's newest plan; only where all of its steps are shared. */
  readonly mixture?: ArtifactRef;
  /** Curriculum: what the next segment is planned from. */
  readonly segment?: MixSegment;
}
