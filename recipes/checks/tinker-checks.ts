/** Checks of a recipe that a server of the Tinker API computes for. */
import { parseHubAddress } from '../../core/hub-address.ts';
import type { Recipe } from '../recipe.ts';
import { type RecipeProblem, valueText } from './problem.ts';

/** The tokenizer and the template of `policy.checkpoint` write the prompts, and must be those of the base model. */
export function tinkerProblems({ policy, engine }: Pick<Recipe, 'policy' | 'engine'>): RecipeProblem[] {
  const named = policy !== undefined && 'checkpoint' in policy ? parseHubAddress(policy.checkpoint)?.name : undefined;
  const wanted = engine?.tinker?.baseModel;
  if (named === undefined || wanted === undefined || named === wanted) return [];
  const allowed = `${named}, the model of policy.checkpoint, whose tokenizer and template write the prompts`;
  return [{ path: ['engine', 'tinker', 'baseModel'], found: valueText(wanted), allowed }];
}
