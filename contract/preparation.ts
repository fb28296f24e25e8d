/** What `prepare` makes of a recipe before anything is read. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { AbsentData } from '../recipes/fields/absent-data-field.ts';
import type { Pools } from '../recipes/fields/pools-field.ts';
import type { PromotionSpec } from '../recipes/fields/promotion-fields.ts';
import type { ArmPlan, EvaluationPlan } from './activities.ts';

export interface PrepareInput {
  /** As the user wrote it (JSON); `prepare` validates it and resolves its defaults. */
  readonly recipe: unknown;
  /** Under which the results will be stored. Undefined if nothing will, and in earlier histories. */
  readonly experimentId?: string;
  /** `data`: the recipe's policy is not used, so its files need not exist. */
  readonly needed?: 'all' | 'data';
}
export interface PrepareResult {
  /** The complete recipe, canonical JSON. */
  readonly recipe: ArtifactRef;
  readonly recipeDigest: string;
  readonly recipeName: string;
  readonly runs: readonly ArmPlan[];
  readonly evaluations: readonly EvaluationPlan[];
  /** Runs that may train or be evaluated at the same time; absent: all. */
  readonly parallelRunCountMax?: number;
  readonly pools?: Pools;
  /** Data that the recipe is without, because it is missing. */
  readonly absent?: readonly AbsentData[];
  /** From the recipe's `promotion` section, if it has one. */
  readonly promotion?: Pick<PromotionSpec, 'name' | 'startFrom'>;
}
