/**
 * The annotator's rationale, one token per word. Captions are compared word by word (the value seen, then whether the
 * caption agrees): a small judge learns this trace, and does not learn a comparison without it.
 */
import { captionOf, type CaptionWords, type View } from './annotator.ts';
import { matchCount, type PairwiseWorldTask, type PointwiseWorldTask } from './verdicts.ts';

export function compared(view: View, caption: CaptionWords): string[] {
  return captionOf(view).flatMap((seen, i) => [seen, seen === caption[i] ? 'same' : 'other']);
}

function matched(view: View, caption: CaptionWords): string[] {
  return [...compared(view, caption), matchCount(view, caption) === 4 ? 'match' : 'mismatch'];
}

function stanceWords(view: View): string[] {
  return view.floats.map((floats) => (floats ? 'floats' : 'stands'));
}

/** Rationale of a pointwise verdict; for `describe`, all values of the view. */
export function pointwiseRationale(task: PointwiseWorldTask | 'describe', view: View, caption: CaptionWords): string[] {
  switch (task) {
    case 'naturalness':
      return [view.defect, ...stanceWords(view)];
    case 'technical':
      return [view.defect];
    case 'rationality':
      return stanceWords(view);
    case 'alignment':
      return matched(view, caption);
    case 'preference':
      return [...compared(view, caption), String(matchCount(view, caption)), view.defect];
    case 'safety':
      return [view.sign];
    case 'describe':
      return [...captionOf(view), ...stanceWords(view), view.defect, view.sign];
  }
}

export function pairwiseRationale(task: PairwiseWorldTask, first: View, second: View, caption: CaptionWords): string[] {
  const about = (view: View): string[] => (task === 'pair-safety' ? [view.sign] : matched(view, caption));
  return ['first', ...about(first), 'second', ...about(second)];
}
