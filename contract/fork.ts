/**
 * Payloads of a fork: an experiment that shares the first steps of another experiment's runs. The workflow `planFork`
 * finds the shared steps; the workflow `experiment` takes them as an option.
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
  /** Recipe of the new experiment, as it is passed to `experiment`. */
  readonly recipe: unknown;
  /** Recipe and runs of an experiment without an index; those of a finished experiment are read from its index. */
  readonly origin?: ForkOrigin;
}

export interface ForkOrigin {
  readonly recipe: unknown;
  readonly runs: readonly OriginRun[];
}

export interface OriginRun {
  readonly runName: string;
  /** The newest known policy. */
  readonly policy: PolicyState;
  readonly mixture?: ArtifactRef;
}

/** Value of the option `fork` of `experiment`. */
export interface Fork extends Pick<PlanForkInput, 'experimentId' | 'arm' | 'fromStep'> {
  /**
   * Runs of the forked arm up to the fork, and whole runs of the arms that it does not affect; arms that start from it
   * are omitted.
   */
  readonly runs: readonly SharedRun[];
}
export type PlanForkResult = Fork;

/** Start state of a run that shares another run's first steps. */
export interface SharedRun {
  readonly runName: string;
  /** Steps before this one are done. */
  readonly step: number;
  readonly policy: PolicyState;
  /** The newest checkpoint at or before that step. */
  readonly checkpoint: ArtifactRef;
  /** The policy that the other run started from; it remains the reference of a KL term. */
  readonly initial: Pick<ImportPolicyResult, 'policy' | 'checkpoint'>;
  /** The shared activities, counted as cache hits. */
  readonly stages: readonly StageCost[];
  /**
   * Set if the fork is between two supervised steps of one activity: its steps up to `toStep` are repeated from the
   * record.
   */
  readonly cut?: { readonly record: ArtifactRef; readonly toStep: number };
  /** The other run's newest mixture plan; only if all steps are shared. */
  readonly mixture?: ArtifactRef;
  /** Curriculum: the segment to plan next. */
  readonly segment?: MixSegment;
}
