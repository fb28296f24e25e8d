/** Which training examples an arm sees, and how often. */
import { z } from 'zod';

const count = z.int().min(1);

export const mixtureSchema = z
  .strictObject({
    strategy: z
      .enum(['union', 'uniform', 'temperature', 'weights'])
      .default('union')
      .describe(
        "union: one pool, a task's share is that of its examples (arXiv 2603.11665). uniform: every task the " +
          'same share. temperature: shares as n^(1/T). weights: shares as given.',
      ),
    temperature: z
      .number()
      .positive()
      .default(2)
      .describe("T of strategy temperature: 1 is the union's shares, large is uniform."),
    weights: z
      .record(z.string(), z.number().positive())
      .default({})
      .describe('Strategy weights: of every trained task.'),
    exampleCountMax: z
      .record(z.string(), count)
      .default({})
      .describe('At most so many examples of a task, chosen by seed.'),
  })
  .default({ strategy: 'union', temperature: 2, weights: {}, exampleCountMax: {} });
export type MixtureSpec = z.infer<typeof mixtureSchema>;

export const curriculumSchema = z
  .strictObject({
    replanEveryStepCount: count.describe('The next steps are planned anew, from the rewards so far, after so many.'),
    chanceMin: z
      .number()
      .gt(0)
      .max(1)
      .default(0.1)
      .describe(
        'Chance that a prompt without any signal is still taken when its turn comes, relative to one never seen.',
      ),
  })
  .describe(
    'Prompts that are always or never solved teach nothing: they are drawn less, by what the run itself ' +
      'has observed.',
  );
export type CurriculumSpec = z.infer<typeof curriculumSchema>;

export const resamplingSchema = z
  .strictObject({
    informativeGroupCountMin: count.describe("Groups with differing rewards that end a step's sampling."),
    roundCountMax: z.int().min(2).max(8).default(3).describe('Rounds of a step in all, the first included.'),
  })
  .describe(
    'Dynamic sampling (DAPO, arXiv 2503.14476): more prompts are sampled while too few groups have ' +
      'rewards that differ.',
  );
