/** Checks of arms that ask an endpoint: what an endpoint cannot do is refused here, before anything is paid for. */
import { endpointOf } from '../arms.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';
import type { Recipe } from '../recipe.ts';

export function endpointProblems(recipe: Recipe): RecipeProblem[] {
  const { arms, evaluation, policy, promotion } = recipe;
  const asking = Object.keys(arms).filter((name) => endpointOf(arms[name]) !== undefined);
  const problems: RecipeProblem[] = [];
  const add = (path: RecipePath, found: unknown, allowed: string): void => {
    problems.push({ path, found: typeof found === 'string' ? found : valueText(found), allowed });
  };
  if (policy === undefined && asking.length < Object.keys(arms).length)
    add(['policy'], 'nothing', 'a checkpoint or a config, which only arms with a policy of their own do without');
  for (const [name, { from }] of Object.entries(arms)) {
    if (from === undefined) continue;
    if (asking.includes(name)) add(['arms', name, 'from'], from, 'nothing, because the arm asks an endpoint');
    if (asking.includes(from))
      add(['arms', name, 'from'], from, 'an arm whose policy can be trained: this one asks an endpoint');
  }
  if (asking.length > 0 && evaluation.sampleCount > 1 && evaluation.sampleTopK !== undefined) {
    const allowed = `nothing, because ${asking.join(', ')} asks an endpoint, which knows top_p alone`;
    add(['evaluation', 'sampleTopK'], evaluation.sampleTopK, allowed);
  }
  if (promotion !== undefined && asking.includes(promotion.arm))
    add(['promotion', 'arm'], promotion.arm, 'an arm with a policy that can be kept: this one asks an endpoint');
  return problems;
}
