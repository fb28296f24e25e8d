/** Whether a dataset says where its candidates are if, and only if, its task compares some. */
import type { CandidatesSpec, ContextSpec } from '../../recipes/fields/candidate-fields.ts';
import type { Labels } from './kind.ts';
import { type KindName, kindOf, kindsWhere } from './table.ts';

export interface CandidateFields {
  readonly images: readonly string[];
  readonly context?: ContextSpec | undefined;
  readonly candidates?: CandidatesSpec | undefined;
}

export interface CandidatesProblem {
  readonly field: keyof CandidateFields;
  readonly found: unknown;
  readonly allowed: string;
}

/** Least and greatest number of candidates that examples of the task may have; undefined if it compares nothing. */
export function candidateCountOf(task: { readonly kind: KindName; readonly labels: Labels }) {
  const { candidateCount } = kindOf(task);
  return candidateCount && { min: candidateCount.min, max: candidateCount.max ?? task.labels.length };
}

/** Candidates are those of `fields.candidates`, else the images. */
export function candidatesProblem(
  { images, context, candidates }: CandidateFields,
  task: { readonly kind: KindName; readonly labels: Labels },
): CandidatesProblem | undefined {
  const count = candidateCountOf(task);
  if (count === undefined) {
    if (candidates === undefined) return undefined;
    const takers = kindsWhere((kind) => kind.candidateCount !== undefined).join(', ');
    const allowed = `nothing, because the task is ${task.kind}; candidates are for ${takers} tasks`;
    return { field: 'candidates', found: candidates, allowed };
  }
  const { min, max } = count;
  const wanted = min === max ? String(min) : `${min} to ${max}`;
  const isOutside = (length: number): boolean => length < min || length > max;
  if (candidates === undefined && context !== undefined) {
    // Its images would be taken for candidates.
    return {
      field: 'context',
      found: context,
      allowed: `it beside fields.candidates, because the task is ${task.kind}`,
    };
  }
  if (candidates === undefined) {
    // A field may hold a list of images.
    if (!isOutside(images.length) || (images.length === 1 && min < max)) return undefined;
    const allowed = `${wanted} image fields, because the task is ${task.kind}; or fields.candidates`;
    return { field: 'images', found: images, allowed };
  }
  if (!Array.isArray(candidates) || !isOutside(candidates.length)) return undefined;
  return { field: 'candidates', found: candidates, allowed: `${wanted} candidates, because the task is ${task.kind}` };
}
