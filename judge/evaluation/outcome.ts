/** The input of most metrics: an example's label and the judge's verdict. */
import type { Example, Judgment } from '../example.ts';

export interface Outcome {
  readonly label: string;
  /** Undefined if the completion is unparsable: a false negative of the label's class, and a false positive of none. */
  readonly predicted: string | undefined;
}

export function outcomeOf(example: Pick<Example, 'label'>, judgment: Judgment): Outcome {
  return { label: example.label, predicted: judgment.ok ? judgment.verdict : undefined };
}
