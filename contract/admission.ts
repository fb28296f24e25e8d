/** Admission of a dataset's rows to a policy. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { AnswerMode } from '../judge/example.ts';
import type { Made, PolicyState } from './activities.ts';

/** Input of `admit`, which encodes every prompt and quarantines the rows that the policy cannot take. */
export interface AdmitInput {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  /** Only its processor is used, not its weights. */
  readonly policy: PolicyState;
  /** The caller: the recipe's arms, an evaluation of one policy, or unlabelled rows. */
  readonly asked:
    | { readonly by: 'arms' }
    | { readonly by: 'policy'; readonly mode: AnswerMode }
    | { readonly by: 'rows'; readonly task: string; readonly mode: AnswerMode };
}
export interface AdmitResult extends Made {
  /** The dataset without the rows quarantined by `admit`; the input's ref if there are none. */
  readonly dataset: ArtifactRef;
  readonly exampleCount: number;
  /** Rows quarantined by ingestion and by `admit`. */
  readonly quarantinedCount: number;
  readonly inadmissibleCount: number;
  /** The table of all quarantined rows; undefined if `admit` quarantined none. */
  readonly quarantine?: ArtifactRef;
}
