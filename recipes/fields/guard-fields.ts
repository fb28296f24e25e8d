/** What happens when the numbers of a step are bad. Without `guards`, such a step ends the run. */
import { z } from 'zod';
import { rate } from './scalars.ts';

const action = z.enum(['stop', 'skip', 'rewind']);

const common = {
  nonFinite: action
    .default('stop')
    .describe(
      'When a loss, a gradient or a log-prob is not finite (`NON_FINITE`). stop: the run fails. skip: that update is not ' +
        'made. rewind: the run goes back to its last good snapshot and draws examples and samples anew.',
    ),
  skipCountMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10)
    .describe('Steps with skipped updates that a run may have; one more ends it.'),
  rewindCountMax: z
    .int()
    .min(1)
    .max(20)
    .default(2)
    .describe(
      'Times that a run may go back. The second time in a row without a new snapshot, it goes back one snapshot further.',
    ),
};

export const sftGuardsSchema = z
  .strictObject(common)
  .describe('What happens when the numbers of a step are bad (docs/durability.md); default: the run fails.');

/** Steps in a row are judged by what a run carries, which must not grow. */
const collapsedStepCountMax = 1_000;

export const collapseSchema = z
  .strictObject({
    action: action
      .default('stop')
      .describe(
        'stop and rewind: after `stepCount` such steps in a row. skip: every such step makes no update of the policy.',
      ),
    stepCount: z
      .int()
      .min(1)
      .max(collapsedStepCountMax)
      .default(3)
      .describe('Steps in a row outside the limits before the run stops or goes back.'),
    rewardMin: z.number().optional().describe("Lowest mean reward of a step's rollouts."),
    entropyMin: z.number().min(0).optional().describe('Lowest mean of -log p over the sampled tokens, nats.'),
    formatRateMin: rate.optional().describe('Lowest share of rollouts that can be read.'),
    completionTokenCountMin: z.number().min(0).optional().describe('Lowest mean number of tokens of a completion.'),
    completionTokenCountMax: z.number().min(0).optional().describe('Highest mean number of tokens of a completion.'),
  })
  .describe(
    'Limits on the means of a step, at least one: outside of them the policy counts as collapsed (`POLICY_COLLAPSED`). Every ' +
      'such step is recorded.',
  );

export const rlGuardsSchema = z
  .strictObject({
    ...common,
    logProbMismatch: action
      .default('stop')
      .describe('The same, when rollouts and trainer differ by more than `logProbToleranceMax` (`LOGPROB_MISMATCH`).'),
    collapse: collapseSchema.optional(),
  })
  .describe('What happens when the numbers of a step are bad (docs/durability.md); default: the run fails.');

export type CollapseSpec = z.infer<typeof collapseSchema>;
