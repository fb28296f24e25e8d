import type { LogProbs, Rollouts } from './our-step.ts';

/** Absolute differences between the log-probs of the rollouts and those that an update computed for the same tokens. */
export function differencesOf(rollouts: Rollouts, logProbs: LogProbs): number[] {
  return rollouts.flatMap((group, g) =>
    group.flatMap((rollout, r) =>
      rollout.logProbs.map((logProb, t) => Math.abs(logProb - (logProbs[g]?.[r]?.[t] ?? NaN))),
    ),
  );
}
