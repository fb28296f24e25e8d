/** Bad numbers of a step, and what a run does about them (the `guards` of an arm). */

/** Codes of core/errors.ts that say that the numbers of a step are bad. */
export type BadCode = 'NON_FINITE' | 'LOGPROB_MISMATCH' | 'POLICY_COLLAPSED';

export interface BadNumbers {
  readonly code: BadCode;
  readonly found: string;
  /** Whether the update was not made because of it. */
  readonly skipped: boolean;
}

/** Of the steps of one update activity: the first, and the number of steps with skipped updates. */
export interface BadSteps extends BadNumbers {
  readonly step: number;
  readonly skippedCount: number;
}

/** What a run decides from the results of its steps; what a step decides itself is in its record. */
export interface GuardPlan {
  /** The codes after which the run goes back to a snapshot. */
  readonly rewindsFor: readonly BadCode[];
  /** Set if the run stops or goes back after this many collapsed steps in a row. */
  readonly collapsedStepCountMax?: number;
  readonly skipCountMax: number;
  readonly rewindCountMax: number;
}

/** What happened in a run because of bad numbers. */
export interface Incident {
  readonly code: BadCode;
  readonly step: number;
  readonly found: string;
  /** recorded: the update was made all the same. */
  readonly outcome: 'recorded' | 'skipped' | 'rewound';
  /** Of a rewind: the step from which the run went on, with other draws. */
  readonly toStep?: number;
}

/** Incidents of a run. The counts are of all; `newest` is bounded, and rewinds are by the recipe. */
export interface Incidents {
  readonly recordedCount: number;
  readonly skippedCount: number;
  readonly rewinds: readonly Incident[];
  readonly newest: readonly Incident[];
}
