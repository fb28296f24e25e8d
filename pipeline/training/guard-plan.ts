/** What a run decides by the guards of its arm. */
import type { GuardPlan } from '../../contract/guards.ts';
import type { TrainedArm } from '../../recipes/recipe.ts';

export function guardPlanOf({ guards }: TrainedArm): { readonly guards?: GuardPlan } {
  if (guards === undefined) return {};
  const { nonFinite, skipCountMax, rewindCountMax } = guards;
  const { logProbMismatch = 'stop', collapse } = 'logProbMismatch' in guards ? guards : {};
  const actions = {
    NON_FINITE: nonFinite,
    LOGPROB_MISMATCH: logProbMismatch,
    POLICY_COLLAPSED: collapse?.action,
  } as const;
  const codes = Object.keys(actions) as (keyof typeof actions)[];
  return {
    guards: {
      rewindsFor: codes.filter((code) => actions[code] === 'rewind'),
      ...(collapse && collapse.action !== 'skip' && { collapsedStepCountMax: collapse.stepCount }),
      ...{ skipCountMax, rewindCountMax },
    },
  };
}
