/** A label that a person gave an example, with all that its use depends on. */
import type { Format } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';

/**
 * How the example was chosen. Agreement between judge and people is estimated from `random` ones alone: the others are
 * chosen because judges are unsure of them.
 */
export const queueOrders = ['uncertainty', 'disagreement', 'random'] as const;
export type QueueOrder = (typeof queueOrders)[number];

export interface PersonLabel {
  readonly schema: 1;
  readonly experimentId: string;
  readonly task: string;
  /** Row of `dataset`, which is named so that a collection keeps what was labelled. */
  readonly exampleIndex: number;
  readonly exampleId: string;
  readonly dataset: ArtifactRef;
  readonly label: string;
  readonly note?: string;
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly order: QueueOrder;
  /** Labels that the same person gave the example before, newest first. */
  readonly earlier?: readonly EarlierLabel[];
}

export const labelFormat: Format<PersonLabel> = {
  ...{ what: 'the label of a person', schema: 1 },
  again: 'export the labels with the version that wrote them',
};

interface EarlierLabel {
  readonly label: string;
  readonly at: string;
}

/** The label that the person gave before seeing what the judges said, if it was changed since. */
export function blindLabel({ earlier = [] }: Pick<PersonLabel, 'earlier'>): EarlierLabel | undefined {
  const first = earlier.at(-1);
  return first && { label: first.label, at: first.at };
}
