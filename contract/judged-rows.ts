/** Judging of unlabelled rows. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { AnswerMode } from '../judge/example.ts';
import type { Made, PolicyState } from './activities.ts';
import type { UsedCalibration } from './calibration.ts';

/** Unlabelled rows in a file that the worker can read. */
export interface ReadRowsInput {
  /** As the user wrote it; its datasets are not used, so their files need not exist. */
  readonly recipe: unknown;
  readonly task: string;
  /** Absolute path of a JSON Lines file. */
  readonly file: string;
  /** Folder of the images. Default: the folder of the file. */
  readonly imageFolder?: string;
}
export interface ReadRowsResult {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  readonly quarantinedCount: number;
  readonly quarantine?: ArtifactRef;
}

export interface JudgeRowsInput {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly policy: PolicyState;
  readonly task: string;
  readonly mode: AnswerMode;
  /** Adds calibrated probabilities to the rows. */
  readonly calibrated?: UsedCalibration;
}
export interface JudgeRowsResult extends Made {
  /** JSON: JudgedRows (pipeline/asking/judged-rows.ts). */
  readonly rows: ArtifactRef;
  readonly rowCount: number;
  readonly unparsableCount: number;
  /** Pairs: fraction of rows for which both orders choose the same image. */
  readonly agreementRate?: number;
  /** Temperature of the calibrated probabilities. */
  readonly temperature?: number;
}
