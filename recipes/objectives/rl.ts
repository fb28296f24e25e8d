/** Objective rl: rollouts are rewarded, and an algorithm (policy/algorithms) turns them into updates. */
import { z } from 'zod';
import { type AlgorithmName, algorithms, defaultAlgorithm } from '../../policy/algorithms/table.ts';
import { armFields, trainingFields } from '../fields/arm-fields.ts';
import { curriculumSchema, dynamicSamplingSchema } from '../fields/mixture-fields.ts';
import { rlGuardsSchema } from '../fields/guard-fields.ts';
import { rewardSchema } from '../fields/reward-fields.ts';
import { topKSchema, topPSchema } from '../fields/sampling-fields.ts';
import { count } from '../fields/scalars.ts';

const rolloutFields = {
  promptCountPerStep: count.default(16).describe('Prompts of a step, each with `groupSize` rollouts. The paper: 512.'),
  updateCount: count
    .optional()
    .describe(
      'Optimizer updates in one pass over the rollouts of a step: its prompts are split by seed into this many ' +
        'minibatches. Default: 1. The paper: 2, of 256 prompts each.',
    ),
  epochCount: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('Passes over the rollouts of a step, each split anew. Default: 1.'),
  groupSize: z.int().min(2).max(4096).default(8).describe('G, rollouts of one prompt. The paper: 20.'),
  rolloutShardCount: count
    .default(1)
    .describe(
      'Number of activities that share the rollouts of a step, side by side on compute workers (docs/production.md); ' +
        'does not affect results.',
    ),
  stalenessStepCountMax: z
    .int()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'With 1, the rollouts of a step are sampled while the step before it trains, by the policy with which that one ' +
        'began: they are one step old when they train (docs/algorithms.md). Requires a `correction`. Default: 0, every ' +
        'step is sampled by the policy that it trains.',
    ),
  temperature: z.number().positive().default(1).describe('Sampling temperature of rollouts. Not published.'),
  topK: topKSchema,
  topP: topPSchema,
  logProbsOver: z
    .enum(['all', 'kept'])
    .optional()
    .describe(
      'Tokens over which log-probs of rollouts and of training are normalised. all: all that may be sampled, whatever ' +
        '`topK` and `topP` keep. kept: those that they keep, which are recorded; requires `topK`. Default: all.',
    ),
  tokenCountMax: count.default(32).describe('Longest completion, in tokens; longer ones are cut off. Not published.'),
};

const rewardFields = {
  formatWeight: z.number().min(0).max(1).default(0.1).describe('a in R = (1 - a) accuracy + a format. Not published.'),
  reward: rewardSchema.describe('How a judgment is scored (docs/judging.md).'),
  curriculum: curriculumSchema.optional(),
  dynamicSampling: dynamicSamplingSchema.optional(),
  logProbToleranceMax: z
    .number()
    .positive()
    .default(1e-4)
    .describe(
      'Largest allowed difference between rollout and trainer log-probs (natural log), times the log-prob itself where that is below -1; the run fails above it.',
    ),
  guards: rlGuardsSchema.optional(),
};

/** The name may be omitted for the default algorithm only. */
function nameSchema(name: AlgorithmName) {
  const literal = z.literal(name).describe('How rollouts and rewards become updates (docs/algorithms.md).');
  return (name === defaultAlgorithm ? literal.default(name) : literal) as z.ZodDefault<typeof literal>;
}

type Fields = (typeof algorithms)[AlgorithmName]['fields'];

function armOf<F extends Fields>(name: AlgorithmName, fields: F) {
  const own = { objective: z.literal('rl'), algorithm: nameSchema(name) };
  return z.strictObject({ ...own, ...armFields, ...trainingFields, ...rolloutFields, ...fields, ...rewardFields });
}

/** One branch per algorithm. Those that are made of parts are of one type: they differ in defaults and allowed values. */
type Branch = {
  readonly [N in AlgorithmName]: ReturnType<typeof armOf<(typeof algorithms)[N]['fields']>>;
}[AlgorithmName];
const branches = Object.entries(algorithms).map(([name, { fields }]) => armOf(name as AlgorithmName, fields));

export const rlArm = z
  .discriminatedUnion('algorithm', branches as [Branch])
  .describe(
    'Reinforcement learning: rollouts are rewarded, and `algorithm` makes updates of them. Recipes that say ' +
      '`objective: grpo` are read as this, with algorithm `grpo`.',
  );

export type RlArm = z.infer<typeof rlArm>;
