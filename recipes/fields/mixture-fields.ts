/** Which training examples an arm sees, and how often. */
import { z } from 'zod';
import { count } from './scalars.ts';

export const mixtureSchema = z
  .strictObject({
    strategy: z
      .enum(['union', 'uniform', 'temperature', 'weights'])
      .default('union')
      .describe(
        "union: one pool, in which a task's share is that of its examples (arXiv 2603.11665). uniform: equal shares " +
          'for all tasks. temperature: shares proportional to n^(1/T). weights: shares as given.',
      ),
    temperature: z
      .number()
      .positive()
      .default(2)
      .describe('T of strategy `temperature`: 1 gives the shares of `union`, large values approach `uniform`.'),
    weights: z
      .record(z.string(), z.number().positive())
      .default({})
      .describe('Strategy `weights`: one for every trained task.'),
    exampleCountMax: z
      .record(z.string(), count)
      .default({})
      .describe('Task -> maximum number of examples, a subset chosen by seed.'),
    balance: z
      .enum(['none', 'label'])
      .optional()
      .describe(
        'label: within each task, every label is drawn equally often, so rare labels repeat their examples. Rankings ' +
          'are balanced by their first place, real scores by the nearest label, criteria not at all. none, the default: ' +
          'labels come as often as the data has them.',
      ),
  })
  .default({ strategy: 'union', temperature: 2, weights: {}, exampleCountMax: {} });
export type MixtureSpec = z.infer<typeof mixtureSchema>;

export const curriculumSchema = z
  .strictObject({
    replanEveryStepCount: count.describe('The next steps are planned after every this many, from the rewards so far.'),
    chanceMin: z
      .number()
      .gt(0)
      .max(1)
      .default(0.1)
      .describe(
        'Probability that a prompt without signal is still taken when its turn comes, relative to one never sampled.',
      ),
  })
  .describe(
    'Prompts that are always or never solved carry no signal: they are sampled less often, according to the ' +
      "run's own rewards.",
  );
export type CurriculumSpec = z.infer<typeof curriculumSchema>;

export const dynamicSamplingSchema = z
  .strictObject({
    informativeGroupCountMin: count.describe('Sampling of a step ends with this many groups of differing rewards.'),
    roundCountMax: z.int().min(2).max(8).default(3).describe('Maximum sampling rounds per step, including the first.'),
  })
  .describe(
    'Dynamic sampling (DAPO, arXiv 2503.14476): samples more prompts while too few groups have differing rewards.',
  );
