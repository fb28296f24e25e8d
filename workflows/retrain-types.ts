/** What `retrain` takes and gives: JSON, a documented interface (docs/operations.md). */
import { defineQuery } from '@temporalio/workflow';
import type { GateCheck, InspectDataResult } from '../contract/retraining.ts';
import type { WorkState } from './progress.ts';
import type { GatedPromotion } from '../contract/promotion.ts';

export interface RetrainInput {
  /** As the user wrote it (JSON), with a `promotion`. */
  readonly recipe: unknown;
  /** What the schedule's last retraining took up; a workflow that a schedule started knows it by itself. */
  readonly lastTried?: Tried;
}

/** A recipe and data that a candidate was made from, whatever became of it. */
export interface Tried {
  readonly recipeDigest: string;
  readonly dataDigest: string;
}

export interface RetrainResult {
  readonly outcome: 'no-new-data' | GatedPromotion['status'];
  /** In the registry. */
  readonly name: string;
  /** In words. */
  readonly why: string;
  readonly tried: Tried;
  readonly sources: InspectDataResult['sources'];
  /** What trained the candidate; left out when nothing was trained. */
  readonly experimentId?: string;
  /** The version that the name had when the retraining began. */
  readonly startedFromVersion?: number;
  readonly promotion?: GatedPromotion;
}

export interface RetrainProgress {
  readonly state: WorkState;
  /** What is being done right now, as a short phrase. */
  readonly phase: string;
  readonly name?: string;
  readonly sources: InspectDataResult['sources'];
  readonly experimentId?: string;
  readonly checks: readonly GateCheck[];
  /** The workflow that does the work, where this one only waits for it. */
  readonly followed?: string;
}

export const retrainProgressQuery = defineQuery<RetrainProgress>('progress');
