/** Which training examples an arm sees, and how often. */
import { z } from 'zod';

const count = z.int().min(1);

export const mixtureSchema = z
  .strictObject({
    /**
     * union: one pool, a task's share is that of its examples (arXiv 2603.11665). uniform: every task the same share.
     * temperature: shares as n^(1/T). weights: shares as given.
     */
    strategy: z.enum(['union', 'uniform', 'temperature', 'weights']).default('union'),
    /** T of strategy temperature: 1 is the union's shares, large is uniform. */
    temperature: z.number().positive().default(2),
    /** Strategy weights: of every trained task. */
    weights: z.record(z.string(), z.number().positive()).default({}),
    /** At most so many examples of a task, chosen by seed. */
    exampleCountMax: z.record(z.string(), count).default({}),
  })
  .default({ strategy: 'union', temperature: 2, weights: {}, exampleCountMax: {} });
export type MixtureSpec = z.infer<typeof mixtureSchema>;

/** Prompts that are always or never solved teach nothing: they are drawn less, by what the run itself has observed. */
export const curriculumSchema = z.strictObject({
  /** The next steps are planned anew, from the rewards so far, after so many. */
  replanEveryStepCount: count,
  /** Chance that a prompt without any signal is still taken when its turn comes, relative to one never seen. */
  chanceMin: z.number().gt(0).max(1).default(0.1),
});
export type CurriculumSpec = z.infer<typeof curriculumSchema>;

/** Dynamic sampling (DAPO, arXiv 2503.14476): more prompts are sampled while too few groups have rewards that differ. */
export const resamplingSchema = z.strictObject({
  informativeGroupCountMin: count,
  /** Rounds of a step in all, the first included. */
  roundCountMax: z.int().min(2).max(8).default(3),
});
