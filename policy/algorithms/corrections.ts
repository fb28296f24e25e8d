/**
 * Corrections of token weights for rollouts whose recorded log-probs are not those that the trainer computes at the
 * step's start: an earlier policy sampled them, or another engine or precision. Truncated importance sampling by token,
 * and masking of rollouts by the product of their ratios (verl, docs/algo/rollout_corr.md: decoupled mode, `rollout_is:
 * token` and `rollout_rs: sequence`).
 */
import { required } from '../../core/assert.ts';
import type { SampledCompletion } from '../engine.ts';
import type { Parts } from './parts.ts';
import type { LogProbs, RolloutBatch } from './rollout-batch.ts';

const correctionMaxDefault = 2;

interface CorrectionSettings {
  readonly correctionMax?: number | undefined;
}

/** Of the trainer's ratios to the policy that sampled: one a token, or one a rollout with `sequence-masked`. */
export interface CorrectionStatistics {
  readonly ratioMean: number;
  readonly ratioMax: number;
  /** Share of the ratios that the correction truncates, or whose rollouts it leaves out. */
  readonly limitedShare: number;
}

type Correction = (
  tokenWeight: number,
  rollout: SampledCompletion,
  trainerLogProbs: readonly number[] | undefined,
  settings: CorrectionSettings,
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

/** Over all rollouts of a step. @param trainer natural log, of the policy at the step's start */
export function correctionStatistics(
  correction: Parts['correction'],
  { rollouts }: Pick<RolloutBatch, 'rollouts'>,
  trainer: LogProbs,
  { correctionMax = correctionMaxDefault }: CorrectionSettings,
): CorrectionStatistics {
  const isMasked = correction === 'sequence-masked';
  const ratios = rollouts.flatMap((group, p) =>
    group.flatMap((rollout, k) => {
      const own = logRatios(rollout, trainer[p]?.[k]);
      return (isMasked ? [own.reduce((sum, each) => sum + each, 0)] : own).map(Math.exp);
    }),
  );
  const isLimited = (ratio: number): boolean => ratio > correctionMax || (isMasked && ratio < 1 / correctionMax);
  return {
    ratioMean: ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length,
    ratioMax: ratios.reduce((max, ratio) => Math.max(max, ratio), 0),
    limitedShare: ratios.filter(isLimited).length / ratios.length,
  };
}

function logRatios({ logProbs }: SampledCompletion, trainer: readonly number[] | undefined): number[] {
  const own = required(trainer, 'log-probs of the trainer');
  return logProbs.map((sampled, t) => required(own[t], 'a log-prob') - sampled);
}
