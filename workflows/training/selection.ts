/** The rule of selection: which validated checkpoint is the best, and whether the scores have reached a plateau. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { Selection, Validated, ValidationPlan } from '../../contract/validation.ts';

/** A run whose budget an operator extends may have more. */
const validationCountMax = 200;

interface ValidatedSnapshot extends Validated {
  readonly snapshot: ArtifactRef;
  readonly checkpoint: ArtifactRef;
}

/** Adds a validation. Scores that are not better than the best, if only equal, leave the earlier checkpoint selected. */
export function select(
  before: Selection | undefined,
  validated: ValidatedSnapshot,
  { improvementMin }: Pick<ValidationPlan, 'improvementMin'>,
): Selection {
  const { step, score } = validated;
  const last = { step, score };
  if (before === undefined)
    return { best: validated, last, plateau: { score, validationCount: 0 }, validations: [last] };
  const { best, plateau, validations } = before;
  const isImproved = score > plateau.score + improvementMin;
  return {
    best: score > best.score ? validated : best,
    last,
    plateau: isImproved
      ? { score, validationCount: 0 }
      : { score: plateau.score, validationCount: plateau.validationCount + 1 },
    validations: [...validations, last].slice(-validationCountMax),
  };
}

/** Whether as many validations as the plan's patience have not improved the score. */
export function isPlateau(
  selection: Selection | undefined,
  { patience = Infinity }: Pick<ValidationPlan, 'patience'>,
): boolean {
  return selection !== undefined && selection.plateau.validationCount >= patience;
}
