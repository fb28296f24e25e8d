/** How an arm is trained, in terms that all objectives share: what plans of runs, mixtures and admission ask. */
import type { ArmPlan } from '../../../contract/activities.ts';
import type { CurriculumSpec } from '../../../recipes/fields/mixture-fields.ts';

export interface Training {
  readonly plan: Pick<ArmPlan, 'stepCountPerActivity' | 'rolloutShardCount' | 'replanEveryStepCount' | 'resampling'>;
  readonly mixing: {
    readonly exampleCountPerStep: number;
    /** Examples that further rounds of a step may take. */
    readonly reserveCountPerStep: number;
    readonly curriculum?: CurriculumSpec;
  };
  /** What follows a prompt: so many tokens at most, or the example's own target. */
  readonly completion: number | 'target';
  /** G, completions of one prompt. */
  readonly groupSize: number;
}
