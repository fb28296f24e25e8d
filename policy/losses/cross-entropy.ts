/** Cross-entropy of the given tokens. */
import { neg } from '../graph/build.ts';
import type { LossUnit } from './loss.ts';

/** sum of tokenWeight * -logp, nats */
export interface CrossEntropyLoss {
  readonly name: 'cross_entropy';
}

export const crossEntropy: LossUnit<CrossEntropyLoss> = {
  name: 'cross_entropy',
  usesReference: () => false,
  inputs: () => ({}),
  tokenLoss: neg,
};
