/** Validation while a run trains, and the checkpoint that is selected by it. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { Split } from '../judge/example.ts';
import type { ValidationMetric } from '../recipes/fields/validation-fields.ts';
import type { PolicyState } from './activities.ts';

export interface ValidationPlan {
  readonly everyStepCount: number;
  readonly split: Split;
  readonly tasks: readonly string[];
  readonly metric: ValidationMetric;
  /** The run ends after this many validations in a row without improvement. Default: never early. */
  readonly patience?: number;
  /** Smallest increase of the score that is an improvement. */
  readonly improvementMin: number;
}

export interface Validated {
  /** Steps that the policy had been trained for. */
  readonly step: number;
  /** Mean of the metric over the tasks. */
  readonly score: number;
}

/** The state of a selection: its size does not grow with the run. */
export interface Selection {
  /** The highest score, the first of several. */
  readonly best: Validated & { readonly snapshot: ArtifactRef; readonly checkpoint: ArtifactRef };
  readonly last: Validated;
  /** The score of the last improvement, and the validations since. */
  readonly plateau: { readonly score: number; readonly validationCount: number };
  /** The newest validations, in order of steps. */
  readonly validations: readonly Validated[];
}

/** The selection of a run that has ended. The run's policy is the selected one. */
export interface RunSelection extends Selection, Pick<ValidationPlan, 'metric' | 'split'> {
  /** Whether patience ended the run before its last step. */
  readonly endedEarly: boolean;
  /** The policy after the run's last step, from which its whole log can be read. */
  readonly lastPolicy: PolicyState;
}
