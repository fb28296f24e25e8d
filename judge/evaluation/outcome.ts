/** What every metric starts from: what an example's label is and what the judge said. */
import type { Example, Judgment } from '../example.ts';

export interface Outcome {
  readonly label: string;
  /** Undefined when the completion could not be parsed: wrong for the label's class, and a prediction of no class. */
  readonly predicted: string | undefined;
}

export function outcomeOf(example: Pick<Example, 'label'>, judgment: Judgment): Outcome {
  return { label: example.label, predicted: judgment.ok ? judgment.verdict : undefined };
}
