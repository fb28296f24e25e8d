/**
 * Corrections of token weights for rollouts whose recorded log-probs are not those that the trainer computes for the
 * same policy, as with another engine or precision: truncated importance sampling by token, and masking of rollouts by
 * the product of their ratios (verl, docs/algo/rollout_corr.md: decoupled mode, `rollout_is: token` and
 * `rollout_rs: sequence`).
 */
import { required } from '../../core/assert.ts';
import type { SampledCompletion } from '../engine.ts';
import type { Parts } from './parts.ts';

const correctionMaxDefault = 2;

type Correction = (
  tokenWeight: number,
  rollout: SampledCompletion,
  trainerLogProbs: readonly number[] | undefined,
  settings: { readonly correctionMax?: number | undefined },
) => number | readonly number[];

export const corrections: Readonly<Record<Parts['correction'], Correction>> = {
  none: (tokenWeight) => tokenWeight,
  'token-truncated': (tokenWeight, rollout, trainer, { correctionMax = correctionMaxDefault }) =>
    logRatios(rollout, trainer).map((logRatio) => tokenWeight * Math.min(Math.exp(logRatio), correctionMax)),
  'sequence-masked': (tokenWeight, rollout, trainer, { correctionMax = correctionMaxDefault }) => {
    const logRatio = logRatios(rollout, trainer).reduce((sum, each) => sum + each, 0);
    return Math.abs(logRatio) <= Math.log(correctionMax) ? tokenWeight : 0;
  },
};

function logRatios({ logProbs }: SampledCompletion, trainer: readonly number[] | undefined): number[] {
  const own = required(trainer, 'log-probs of the trainer');
  return logProbs.map((sampled, t) => required(own[t], 'a log-prob') - sampled);
}
