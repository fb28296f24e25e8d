/** What an update's record must say of the arm's guards: what decides whether the update is made. */
import type { TrainedArm } from '../../../recipes/recipe.ts';
import type { UpdateGuards } from '../../policies/step-record.ts';

/** Empty without guards that a step itself applies, so that keys of results are the same as without the setting. */
export function guardsOf({ guards }: TrainedArm): { readonly guards?: UpdateGuards } {
  if (guards === undefined) return {};
  const { nonFinite } = guards;
  const { logProbMismatch = 'stop', collapse } = 'logProbMismatch' in guards ? guards : {};
  const skips: UpdateGuards['skips'] = [
    ...(nonFinite === 'skip' ? ['NON_FINITE' as const] : []),
    ...(logProbMismatch === 'skip' ? ['LOGPROB_MISMATCH' as const] : []),
  ];
  if (collapse === undefined) return skips.length === 0 ? {} : { guards: { skips } };
  const { action, stepCount: _, ...limits } = collapse;
  return { guards: { skips, collapse: { limits, isSkipped: action === 'skip' } } };
}
