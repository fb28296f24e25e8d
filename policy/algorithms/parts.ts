/** The parts of an algorithm: their values, and the fields by which a recipe's arm overrides them. */
import { z } from 'zod';
import { assert } from '../../core/assert.ts';
import { type AdvantageName, advantageNames, type AdvantageRule } from './advantages.ts';
import { rewardPartNames } from './rollout-batch.ts';

const values = {
  advantage: advantageNames,
  weights: ['token-mean', 'sequence-mean', 'fixed-length'],
  ratio: ['token', 'sequence', 'sequence-mean'],
  clip: ['min', 'stop-gradient'],
  klEstimator: ['k1', 'k2', 'k3'],
  klIn: ['loss', 'reward'],
  correction: ['none', 'token-truncated', 'sequence-masked'],
} as const;

export type PartName = keyof typeof values;
type Value<P extends PartName> = (typeof values)[P][number];
type Named = { readonly [P in PartName]: Value<P> };

/** One value for each part. An algorithm may bring an advantage rule of its own instead of a name. */
export type Parts = Omit<Named, 'advantage'> & { readonly advantage: AdvantageName | AdvantageRule };

/** Those of GRPO; most algorithms differ in one or two. */
export const usualParts: Parts = {
  advantage: 'group-std',
  weights: 'token-mean',
  ratio: 'token',
  clip: 'min',
  klEstimator: 'k3',
  klIn: 'loss',
  correction: 'none',
};

const meanings: Readonly<Record<PartName, string>> = {
  advantage:
    'What a rollout is worth beside others. group-std: (r - mean) / std of its group. group-mean: r - mean. ' +
    'leave-one-out: r - mean of the other rollouts. mean-scaled: (r - mean) / mean. batch-whitened: (r - mean) / std ' +
    'over all tokens of the step. per-part: group-std of each part of the reward, then / std over the step. right-only: 1 ' +
    'for a right verdict, else 0.',
  weights:
    'Weight of a token in the loss. token-mean: the same for all tokens of an update. sequence-mean: the same for all ' +
    'rollouts, shared by their tokens. fixed-length: 1 / (rollouts of the update * `tokenCountMax`).',
  ratio:
    'Ratio of new to old probability. token: of each token. sequence: of the whole rollout. sequence-mean: its ' +
    'geometric mean over the tokens.',
  clip:
    'min: the smaller of the plain and the clipped objective (PPO), without a gradient beyond the limit. ' +
    'stop-gradient: the clipped ratio is a constant weight of the log-prob (CISPO).',
  klEstimator:
    'Estimator of the KL divergence. With d = log p - log reference: k1: d. k2: d^2 / 2. k3: exp(-d) + d - 1. The ' +
    'gradient of k1 in the loss is 0 on average.',
  klIn: 'Where the KL term goes. loss: a mean over tokens. reward: its sum over a rollout is taken off the reward.',
  correction:
    'For rollouts whose log-probs are not those of the trainer, by the ratio of the two; raise `logProbToleranceMax` ' +
    'with it. token-truncated: each token is weighted by its ratio, at most `correctionMax`. sequence-masked: rollouts ' +
    'whose ratio is outside 1 / `correctionMax` to `correctionMax` are left out. Costs a forward pass.',
};

/** @param fixed parts whose only allowed value is the algorithm's own */
export function fieldsOf(own: Parts, fixed: readonly PartName[], clip: { clipLow: number; clipHigh: number }) {
  assert(typeof own.advantage === 'string' || !fixed.includes('advantage'), 'only a named advantage rule can be fixed');
  const part = <P extends PartName>(name: P) => {
    const allowed = fixed.includes(name) ? [own[name]] : values[name];
    const schema = z.enum(allowed as unknown as [Value<P>, ...Value<P>[]]);
    return schema.optional().describe(`${meanings[name]} Default: that of the algorithm (docs/algorithms.md).`);
  };
  return {
    clipLow: z
      .number()
      .positive()
      .default(clip.clipLow)
      .describe('The ratio of new to old probability is clipped below 1 - clipLow. Not published.'),
    clipHigh: z
      .number()
      .positive()
      .default(clip.clipHigh)
      .describe('The ratio is clipped above 1 + clipHigh. Not published.'),
    klCoefficient: z
      .number()
      .min(0)
      .default(0)
      .describe("Weight of the KL term to the arm's initial policy; 0 leaves it out. Not published."),
    advantage: part('advantage'),
    partWeights: z
      .partialRecord(z.enum(rewardPartNames), z.number().min(0))
      .optional()
      .describe(
        'Advantage `per-part`: part of the reward -> its weight; 1 where left out. accuracy: the verdict, or its ' +
          'closeness. agreement, grader, length: where the reward has them.',
      ),
    weights: part('weights'),
    ratio: part('ratio'),
    clip: part('clip'),
    klEstimator: part('klEstimator'),
    klIn: part('klIn'),
    correction: part('correction'),
    correctionMax: z.number().gt(1).optional().describe('Limit of `correction`. Default: 2.'),
  };
}

export type AlgorithmFields = ReturnType<typeof fieldsOf>;
export type AlgorithmSettings = z.infer<z.ZodObject<AlgorithmFields>>;

export function partsOf(own: Parts, overrides: { readonly [P in PartName]?: Value<P> | undefined }): Parts {
  return {
    advantage: overrides.advantage ?? own.advantage,
    weights: overrides.weights ?? own.weights,
    ratio: overrides.ratio ?? own.ratio,
    clip: overrides.clip ?? own.clip,
    klEstimator: overrides.klEstimator ?? own.klEstimator,
    klIn: overrides.klIn ?? own.klIn,
    correction: overrides.correction ?? own.correction,
  };
}
