/** Types of values that many fields of a recipe share. */
import { z } from 'zod';

export const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
export const count = z.int().min(1);
export const rate = z.number().min(0).max(1);
/** Relative to the recipe file; `mtrl run` makes it absolute. */
export const path = z.string().min(1);
