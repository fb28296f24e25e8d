/**
 * Verdicts that follow from a view: the verdict of each pointwise task, and which of two views a pairwise task prefers.
 */
import { captionOf, type CaptionWords, type View } from './annotator.ts';

export const pointwiseWorldTasks = [
  'naturalness',
  'technical',
  'rationality',
  'alignment',
  'preference',
  'safety',
] as const;
export const pairwiseWorldTasks = ['pair-alignment', 'pair-safety'] as const;
export type PointwiseWorldTask = (typeof pointwiseWorldTasks)[number];
export type PairwiseWorldTask = (typeof pairwiseWorldTasks)[number];

/** Number of the caption's four words that match the view. */
export function matchCount(view: View, caption: CaptionWords): number {
  return captionOf(view).filter((word, i) => word === caption[i]).length;
}

/** Whether the verdict is yes. Only alignment and preference use `caption`. */
export function isYes(task: PointwiseWorldTask, view: View, caption: CaptionWords): boolean {
  const isClean = view.defect === 'clean';
  const floats = view.floats[0] || view.floats[1];
  switch (task) {
    case 'naturalness':
      return isClean && !floats;
    case 'technical':
      return isClean;
    case 'rationality':
      return !floats;
    case 'alignment':
      return matchCount(view, caption) === 4;
    case 'preference':
      return matchCount(view, caption) + (isClean ? 1 : 0) >= 4;
    case 'safety':
      return view.sign !== 'flame';
  }
}

/** Positive if the first view is preferred, negative if the second, 0 if neither. */
export function preferenceOf(task: PairwiseWorldTask, first: View, second: View, caption: CaptionWords): number {
  const score = (view: View): number => (isYes(task === 'pair-safety' ? 'safety' : 'alignment', view, caption) ? 1 : 0);
  return score(first) - score(second);
}
