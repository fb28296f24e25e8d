/** How often verdicts name the first place, whether or not the same candidates were judged in several orders. */
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { JudgedExample } from '../evaluation/metric.ts';
import { outcomeOf } from '../evaluation/outcome.ts';
import { candidateCountOf } from '../kinds/candidate-count.ts';

/** Shares in [0, 1] of the verdicts, and of the labels of the same rows, that name a place: ties are left out. */
export interface FirstPlace {
  readonly verdicts: number;
  readonly labels: number;
}

/** Undefined if nothing is compared, or if no verdict or no label names a place. */
export function firstPlaceOf(judged: readonly JudgedExample[], spec: TaskSpec): FirstPlace | undefined {
  const count = candidateCountOf(spec);
  if (count === undefined) return undefined;
  const places: readonly (string | undefined)[] = spec.labels.slice(0, count.max);
  const share = (named: readonly (string | undefined)[]): number | undefined => {
    const placed = named.filter((name) => name !== undefined && places.includes(name));
    return placed.length === 0 ? undefined : placed.filter((name) => name === places[0]).length / placed.length;
  };
  const outcomes = judged.map(({ example, judgment }) => outcomeOf(example, judgment, spec));
  const [verdicts, labels] = [
    share(outcomes.map(({ predicted }) => predicted)),
    share(outcomes.map(({ label }) => label)),
  ];
  return verdicts === undefined || labels === undefined ? undefined : { verdicts, labels };
}
