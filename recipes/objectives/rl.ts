/** Objective rl: rollouts are rewarded, and an algorithm (policy/algorithms) turns them into updates. */
import { z } from 'zod';
import type { Algorithm } from '../../policy/algorithms/algorithm.ts';
import { type AlgorithmName, algorithms, defaultAlgorithm } from '../../policy/algorithms/table.ts';
import { armFields, trainingFields } from '../fields/arm-fields.ts';
import { curriculumSchema, dynamicSamplingSchema } from '../fields/mixture-fields.ts';
import { rewardSchema } from '../fields/reward-fields.ts';
import { topKSchema, topPSchema } from '../fields/sampling-fields.ts';
import { count } from '../fields/scalars.ts';

const rolloutFields = {
  promptCountPerStep: count.default(16).describe('Prompts in one update, each with `groupSize` rollouts.'),
  groupSize: z.int().min(2).max(4096).default(8).describe('G, rollouts of one prompt. The paper: 20.'),
  rolloutShardCount: count
    .default(1)
    .describe('Number of activities that share the rollouts of a step; does not affect results.'),
  temperature: z.number().positive().default(1).describe('Sampling temperature of rollouts. Not published.'),
  topK: topKSchema,
  topP: topPSchema,
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
      'Largest allowed difference between rollout and trainer log-probs (natural log); the run fails above it.',
    ),
};

/** Type of the algorithm's name, which may be omitted for the default algorithm only. */
type NameSchema<N extends AlgorithmName> = N extends typeof defaultAlgorithm
  ? z.ZodDefault<z.ZodLiteral<N>>
  : z.ZodLiteral<N>;

function nameSchema<N extends AlgorithmName>(name: N): NameSchema<N> {
  const literal = z.literal(name).describe('How rollouts and rewards become an update.');
  return ((name as string) === defaultAlgorithm ? literal.default(literal.value) : literal) as NameSchema<N>;
}

function armOf<N extends AlgorithmName, F extends z.ZodRawShape>(name: N, { fields }: Algorithm<F>) {
  const own = { objective: z.literal('rl'), algorithm: nameSchema(name) };
  return z.strictObject({ ...own, ...armFields, ...trainingFields, ...rolloutFields, ...fields, ...rewardFields });
}

type ArmSchemas = {
  readonly [N in AlgorithmName]: ReturnType<typeof armOf<N, (typeof algorithms)[N]['fields']>>;
};

/** One branch per algorithm. Object.entries loses the relation of names to fields, hence the cast. */
const branches = Object.entries(algorithms).map(([name, algorithm]) => armOf(name as AlgorithmName, algorithm));

export const rlArm = z
  .discriminatedUnion('algorithm', branches as unknown as readonly [ArmSchemas[AlgorithmName]])
  .describe(
    'Reinforcement learning: rollouts are rewarded, and `algorithm` makes updates of them. Recipes that say ' +
      '`objective: grpo` are read as this, with algorithm `grpo`.',
  );

export type RlArm = z.infer<typeof rlArm>;
