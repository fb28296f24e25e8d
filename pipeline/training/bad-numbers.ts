/** Which bad numbers of a step leave out its update instead of ending the run. */
import { MtrlError } from '../../core/errors.ts';
import type { BadNumbers } from '../../contract/guards.ts';
import type { UpdateGuards } from '../policies/step-record.ts';

type Skips = UpdateGuards['skips'];

/** The bad numbers for which the guards skip an update. Throws all other errors again. */
export function skippedFor(error: unknown, skips: Skips = []): BadNumbers {
  const code = skips.find((each) => error instanceof MtrlError && error.code === each);
  if (code === undefined || !(error instanceof MtrlError)) throw error;
  return { code, found: error.details.found ?? error.message, skipped: true };
}
