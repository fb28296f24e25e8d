/** Calibration of label probabilities: temperatures fitted on a validation split, and their use. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { AnswerMode } from '../judge/example.ts';
import type { Made } from './activities.ts';
import type { JudgedTask } from './retraining.ts';

export interface CalibrateInput {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  /** Its digest is that of the policy that was evaluated. */
  readonly checkpoint: ArtifactRef;
  readonly mode: AnswerMode;
  /** Evaluations on the split `val`, with label probabilities (mode `forced-choice`). */
  readonly judged: readonly JudgedTask[];
}
export interface CalibrateResult extends Made {
  /** JSON: Calibration (pipeline/asking/calibration.ts). */
  readonly calibration: ArtifactRef;
}

/** A calibration to use, and the checkpoint of the policy that is asked: the calibration must be of this policy. */
export interface UsedCalibration {
  readonly calibration: ArtifactRef;
  readonly checkpoint: ArtifactRef;
}
