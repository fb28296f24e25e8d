/** Requests of `promote` and `rollback`, checked on arrival because they may be JSON from the Temporal CLI. */
import { z } from 'zod';
import { MtrlError } from '../core/errors.ts';
import { name } from './fields/scalars.ts';

const sentence = z.string().min(1).max(1_000);

export const promoteRequest = z.strictObject({
  experimentId: z.string().min(1),
  name: name.optional(),
  arm: name.optional(),
  seed: z.int().min(0).optional(),
  forceReason: sentence.optional(),
});

export const rollbackRequest = z.strictObject({
  name,
  revision: z.int().min(0),
  to: z.int().min(1).optional(),
  by: sentence,
  reason: sentence.optional(),
});

/** Throws USAGE, naming each invalid field. */
export function requireRequest(schema: z.ZodType, value: unknown): void {
  const { error } = schema.safeParse(value);
  if (error === undefined) return;
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'the request'}: ${message}`);
  throw new MtrlError('USAGE', 'the request is malformed', { found: problems.join('; ') });
}
