/** Checks of an rl arm's updates: its minibatches, log-probs, and parts of its algorithm that exclude each other. */
import { algorithms } from '../../policy/algorithms/table.ts';
import { isRl } from '../arms.ts';
import type { Recipe, RlArm } from '../recipe.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';

export function algorithmProblems({ arms }: Recipe): RecipeProblem[] {
  return Object.entries(arms).flatMap(([name, arm]) =>
    isRl(arm)
      ? [minibatchProblems, partProblems, samplingProblems, stalenessProblems].flatMap((of) => of(['arms', name], arm))
      : [],
  );
}

function minibatchProblems(at: RecipePath, { updateCount = 1, promptCountPerStep }: RlArm): RecipeProblem[] {
  if (updateCount <= promptCountPerStep) return [];
  const allowed = `at most ${String(promptCountPerStep)}, the promptCountPerStep: a minibatch has whole prompts`;
  return [{ path: [...at, 'updateCount'], found: valueText(updateCount), allowed }];
}

function samplingProblems(at: RecipePath, { logProbsOver, topK }: RlArm): RecipeProblem[] {
  if (logProbsOver !== 'kept' || topK !== undefined) return [];
  const allowed = 'all, or kept with a topK: it limits how many tokens are recorded for each one sampled';
  return [{ path: [...at, 'logProbsOver'], found: valueText(logProbsOver), allowed }];
}

/** Rollouts of an earlier policy would be taken for those of the policy that is trained. */
function stalenessProblems(at: RecipePath, arm: RlArm): RecipeProblem[] {
  if ((arm.stalenessStepCountMax ?? 0) === 0) return [];
  const algorithm = algorithms[arm.algorithm];
  if (!('parts' in algorithm)) {
    const allowed = `0 with algorithm ${arm.algorithm}, which has no correction of stale rollouts`;
    return [{ path: [...at, 'stalenessStepCountMax'], found: valueText(arm.stalenessStepCountMax), allowed }];
  }
  const { correction } = algorithm.parts(arm);
  if (correction !== 'none') return [];
  const allowed = 'token-truncated, sequence-masked: stalenessStepCountMax is above 0';
  return [{ path: [...at, 'correction'], found: valueText(correction), allowed }];
}

function partProblems(at: RecipePath, arm: RlArm): RecipeProblem[] {
  const algorithm = algorithms[arm.algorithm];
  if (!('parts' in algorithm) || !('klCoefficient' in arm)) return [];
  const { advantage, klIn, correction } = algorithm.parts(arm);
  const { reward, klCoefficient, correctionMax, partWeights } = arm;
  const problems: RecipeProblem[] = [];
  const isScaled = advantage === 'mean-scaled';
  if (isScaled && reward.overlong !== undefined) {
    const allowed =
      'nothing with advantage mean-scaled, which divides by the mean reward: the penalty can make it negative';
    problems.push({ path: [...at, 'reward', 'overlong'], found: valueText(reward.overlong), allowed });
  }
  const ignoresSum = advantage === 'per-part' || advantage === 'right-only';
  if ((isScaled || ignoresSum) && klIn === 'reward' && klCoefficient > 0) {
    const reason = isScaled ? 'divides by the mean reward' : 'uses parts of the reward';
    problems.push({
      path: [...at, 'klIn'],
      found: valueText(klIn),
      allowed: `loss, because advantage ${advantage} ${reason}`,
    });
  }
  if (partWeights !== undefined && advantage !== 'per-part') {
    const allowed = 'nothing without advantage per-part';
    problems.push({ path: [...at, 'partWeights'], found: valueText(partWeights), allowed });
  }
  if (correctionMax !== undefined && correction === 'none') {
    const allowed = 'nothing without a correction: token-truncated, sequence-masked';
    problems.push({ path: [...at, 'correctionMax'], found: valueText(correctionMax), allowed });
  }
  return problems;
}
