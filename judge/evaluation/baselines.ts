/** Judges that read nothing: always the first candidate, the longest, the shortest. One that loses to them learned nothing. */
import type { Candidate, Example } from '../example.ts';
import { classOf, kindOf } from '../kinds/table.ts';
import { candidatesOf } from '../tasks/candidates.ts';
import type { Metric } from './metric.ts';

/** Accuracy in [0, 1] over the examples in the order of the row; equal lengths count by chance. */
export interface Baselines {
  readonly alwaysFirst: number;
  /** Absent if no candidate has text. */
  readonly longest?: number;
  readonly shortest?: number;
}

export const baselineScores: Metric<{ readonly baselines?: Baselines }> = ({ judged, task, labels }) => {
  const examples = judged.filter(({ reordered }) => reordered === undefined).map(({ example }) => example);
  if (kindOf(task).candidateCount === undefined || examples.length === 0) return undefined;
  const placeOf = (example: Example): number => labels.indexOf(classOf(task, example.label));
  const mean = (valueOf: (example: Example) => number): number =>
    examples.reduce((sum, example) => sum + valueOf(example), 0) / examples.length;
  const chosenBy = (pick: (...lengths: number[]) => number) => (example: Example) => {
    const lengths = candidatesOf(example).map(textLength);
    const chosen = lengths.flatMap((length, place) => (length === pick(...lengths) ? [place] : []));
    return chosen.includes(placeOf(example)) ? 1 / chosen.length : 0;
  };
  const hasText = examples.some((example) => candidatesOf(example).some((candidate) => textLength(candidate) > 0));
  return {
    baselines: {
      alwaysFirst: mean((example) => (placeOf(example) === 0 ? 1 : 0)),
      ...(hasText && { longest: mean(chosenBy(Math.max)), shortest: mean(chosenBy(Math.min)) }),
    },
  };
};

/** In UTF-16 code units. */
function textLength(candidate: Candidate): number {
  return candidate.reduce((sum, part) => sum + ('text' in part ? part.text.length : 0), 0);
}
