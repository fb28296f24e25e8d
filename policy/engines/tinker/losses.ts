/**
 * Losses of requests as losses of the wire. The server multiplies each token's loss by its advantage (policy gradients)
 * or its weight (cross_entropy) and sums as its reduction says; weights, normaliser and the server's own division go
 * into these values, so that the gradient is that of `sum of tokenWeight * loss`, but for the division by the sequences
 * of further requests of the same update.
 */
import { MtrlError } from '../../../core/errors.ts';
import type { Loss, TrainCompletion, TrainGroup } from '../../engine.ts';
import type { TokenValues } from './datums.ts';
import type { Reduction, TinkerSettings, WireLoss } from './settings.ts';

type PpoLoss = Extract<Loss, { readonly name: 'ppo' }>;

interface WireTerms {
  readonly lossFn: WireLoss;
  readonly config: Readonly<Record<string, number>> | undefined;
  readonly values: TokenValues;
  /** The loss of the wire has no limits for ratios: it is the wanted one as long as none would be clipped. */
  readonly mustNotClip: boolean;
}

/** @param sequenceCount of the first request of the update. Throws RECIPE_INVALID for a loss that the server lacks */
export function wireTerms(
  loss: Loss,
  { losses, reduction }: Pick<TinkerSettings, 'losses' | 'reduction'>,
  sequenceCount: number,
): WireTerms {
  const has = (name: WireLoss): boolean => losses.includes(name);
  const scaled = (completion: TrainCompletion, by: number): number[] =>
    weightsOf(completion).map((weight) => weight * by * divisor(reduction, completion, sequenceCount));
  const mask = ({ tokenIds }: TrainCompletion) => reduction === 'sequence-mean' && { weights: tokenIds.map(() => 1) };
  if (loss.name === 'cross_entropy') {
    if (reduction === 'sum') {
      if (!has('cross_entropy')) throw lacking('cross_entropy');
      return {
        ...{ lossFn: 'cross_entropy', config: undefined, mustNotClip: false },
        values: (completion) => ({ weights: scaled(completion, 1) }),
      };
    }
    // The mean over a sequence cancels equal weights. With its ratio clipped to 1, cispo is -advantage * log-prob.
    if (!has('cispo')) throw lacking('cispo');
    return {
      ...{ lossFn: 'cispo', config: { clip_low_threshold: 1, clip_high_threshold: 1 }, mustNotClip: false },
      values: (completion) => ({
        advantages: scaled(completion, 1),
        logprobs: completion.tokenIds.map(() => 0),
        ...mask(completion),
      }),
    };
  }
  if (loss.name === 'dpo') throw lacking('dpo');
  if (loss.klCoefficient > 0) throw lacking('a KL term in the loss');
  const { lossFn, mustNotClip } = ratioLoss(loss, has);
  const limits = { clip_low_threshold: 1 - loss.clipLow, clip_high_threshold: 1 + loss.clipHigh };
  return {
    ...{ lossFn, mustNotClip, config: mustNotClip ? undefined : limits },
    values: (completion) => ({
      advantages: scaled(completion, completion.advantage ?? 0),
      logprobs: completion.logProbs ?? [],
      ...mask(completion),
    }),
  };
}

function ratioLoss(
  { ratio, clip }: PpoLoss,
  has: (name: WireLoss) => boolean,
): Pick<WireTerms, 'lossFn' | 'mustNotClip'> {
  const wanted = clip === 'stop-gradient' ? 'cispo' : ratio === undefined ? 'ppo' : 'gspo';
  const isKnown = ratio === undefined || (ratio === 'sequence-mean' && clip === undefined);
  if (isKnown && has(wanted)) return { lossFn: wanted, mustNotClip: false };
  if (wanted === 'ppo' && has('importance_sampling')) return { lossFn: 'importance_sampling', mustNotClip: true };
  throw lacking(isKnown ? wanted : `ratios of kind ${ratio}`);
}

/** What the server divides the loss of a sequence by. */
function divisor(reduction: Reduction, { tokenIds }: TrainCompletion, sequenceCount: number): number {
  return reduction === 'sum' ? 1 : tokenIds.length * sequenceCount;
}

function weightsOf({ tokenIds, tokenWeight }: TrainCompletion): readonly number[] {
  return typeof tokenWeight === 'number' ? tokenIds.map(() => tokenWeight) : tokenWeight;
}

/**
 * The loss of the request under the given log-probs, [group][completion][token]: sum of tokenWeight * token loss. With
 * `mustNotClip`, throws RECIPE_INVALID if a ratio would have been clipped.
 */
export function lossValue(
  loss: Loss,
  groups: readonly TrainGroup[],
  logProbs: readonly (readonly (readonly number[])[])[],
  mustNotClip: boolean,
): number {
  let sum = 0;
  groups.forEach(({ completions }, g) => {
    completions.forEach((completion, c) => {
      const own = logProbs[g]?.[c] ?? [];
      const losses = loss.name === 'ppo' ? ratioLosses(loss, completion, own, mustNotClip) : own.map((value) => -value);
      const weights = weightsOf(completion);
      losses.forEach((value, t) => (sum += value * (weights[t] ?? NaN)));
    });
  });
  return sum;
}

function ratioLosses(
  { clipLow, clipHigh, clip, ratio }: PpoLoss,
  { advantage = 0, logProbs = [] }: TrainCompletion,
  own: readonly number[],
  mustNotClip: boolean,
): number[] {
  const changes = own.map((value, t) => value - (logProbs[t] ?? NaN));
  const mean = changes.reduce((a, b) => a + b, 0) / changes.length;
  return own.map((value, t) => {
    const each = Math.exp(ratio === undefined ? (changes[t] ?? NaN) : mean);
    const clipped = Math.min(Math.max(each, 1 - clipLow), 1 + clipHigh);
    if (clip === 'stop-gradient') return -clipped * advantage * value;
    if (mustNotClip && clipped * advantage < each * advantage) throw lacking('ppo, and this update clips a ratio');
    return -Math.min(each * advantage, clipped * advantage);
  });
}

function lacking(what: string): MtrlError {
  return new MtrlError('RECIPE_INVALID', 'the engine server does not have what the loss of this arm needs', {
    where: 'engine.tinker',
    found: what,
    hint: 'use another algorithm, or list the losses that the server has in MTRL_TINKER_LOSSES',
  });
}
