/** The sections that a task's rationales must have. */
import { z } from 'zod';

/** Marks of the verdict formats themselves. */
const taken = ['think', 'answer', 'rationale', 'verdict'];

const sectionName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes, a letter first')
  .refine((name) => !taken.includes(name), `a name other than ${taken.join(', ')}`);

export const sectionsSchema = z
  .array(sectionName)
  .min(1)
  .max(16)
  .refine((names) => new Set(names).size === names.length, 'names that differ')
  .describe(
    'Parts that a rationale must have before the verdict, each once, in this order and not empty, and nothing else ' +
      '(`think` answers only; docs/judging.md).',
  );

/** Jinja over the row, or one for each section. */
export const rationaleSchema = z
  .union([z.string(), z.record(z.string(), z.string())])
  .describe(
    'Jinja over the row (`row`) and `label`, giving the reason that supervised `think` training shows. Of a task with ' +
      '`sections`: section -> Jinja.',
  );
