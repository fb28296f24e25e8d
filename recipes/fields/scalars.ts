/** Types of values that many fields of a recipe share. */
import { z } from 'zod';
import { isHubAddress, parseHubAddress } from '../../core/hub-address.ts';

/** Names become parts of ids, of files and of search attributes. */
export const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/, 'lower-case letters, digits and dashes, at most 100');
/** Of an arm in full: its own name, and after `/` the parts that `single` and `sweeps` add. */
export const armName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,99}(\/[a-z0-9][a-z0-9.-]{0,99}){0,8}$/,
    'lower-case letters, digits and dashes, at most 100',
  );
/** More than a run can ever count. */
export const count = z.int().min(1).max(1_000_000_000);
/** A step is an activity with artifacts of its own. */
export const stepCount = z.int().min(1).max(1_000_000);
export const rate = z.number().min(0).max(1);
/** Names of row fields; the star stands for the part in which they differ. */
export const namePattern = z.string().regex(/^[^*]*\*[^*]*$/, 'a name with one `*`');
/** A file or folder, relative to the recipe file (`mtrl run` makes it absolute), or an address: `s3:` or `hf:`. */
export const path = z
  .string()
  .min(1)
  .refine((text) => !isHubAddress(text) || parseHubAddress(text) !== undefined, {
    error: 'an address of the Hub: hf:org/name@revision, or hf:datasets/org/name@revision/path',
  });
