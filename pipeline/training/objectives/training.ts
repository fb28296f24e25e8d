/** An arm's training settings in terms that all objectives share, for planning runs, mixtures and admission. */
import type { ArmPlan } from '../../../contract/activities.ts';
import type { CurriculumSpec } from '../../../recipes/fields/mixture-fields.ts';

export interface Training {
  readonly plan: Pick<ArmPlan, 'stepCountPerActivity' | 'rolloutShardCount' | 'replanEveryStepCount' | 'resampling'>;
  readonly mixing: {
    readonly exampleCountPerStep: number;
    /** Additional examples per step for dynamic sampling. */
    readonly reserveCountPerStep: number;
    readonly curriculum?: CurriculumSpec;
  };
  /** The completion after a prompt: its maximum token count, or `target` for the example's own target. */
  readonly completion: number | 'target';
  /** G, completions per prompt. */
  readonly groupSize: number;
}
