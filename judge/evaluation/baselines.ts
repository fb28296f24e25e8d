/** Judges that read nothing: always the first candidate, the longest, the shortest. One that loses to them learned nothing. */
import type { Candidate } from '../example.ts';
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

/** An example as such a judge sees it. */
export interface Unread {
  /** Place of the right candidate; -1 for a tie. */
  readonly place: number;
  /** Length of the text of each candidate, in UTF-16 code units. */
  readonly lengths: readonly number[];
}

export const baselineScores: Metric<{ readonly baselines?: Baselines }> = ({ judged, task, labels }) => {
  if (kindOf(task).candidateCount === undefined) return undefined;
  const examples = judged.filter(({ reordered }) => reordered === undefined);
  const baselines = baselinesOf(
    examples.map(({ example }) => ({
      place: labels.indexOf(classOf(task, example.label)),
      lengths: candidatesOf(example).map(textLength),
    })),
  );
  return baselines && { baselines };
};

/** Undefined for no examples. */
export function baselinesOf(examples: readonly Unread[]): Baselines | undefined {
  if (examples.length === 0) return undefined;
  const mean = (valueOf: (example: Unread) => number): number =>
    examples.reduce((sum, example) => sum + valueOf(example), 0) / examples.length;
  const chosenBy =
    (pick: (...lengths: number[]) => number) =>
    ({ place, lengths }: Unread) => {
      const wanted = pick(...lengths);
      const chosen = lengths.flatMap((length, i) => (length === wanted ? [i] : []));
      return chosen.includes(place) ? 1 / chosen.length : 0;
    };
  const hasText = examples.some(({ lengths }) => lengths.some((length) => length > 0));
  return {
    alwaysFirst: mean(({ place }) => (place === 0 ? 1 : 0)),
    ...(hasText && { longest: mean(chosenBy(Math.max)), shortest: mean(chosenBy(Math.min)) }),
  };
}

/** In UTF-16 code units. */
function textLength(candidate: Candidate): number {
  return candidate.reduce((sum, part) => sum + ('text' in part ? part.text.length : 0), 0);
}
