/** `--endpoint URL --model NAME` in place of `--policy`: the recipe with one arm, which asks that model. */
import type { Command } from 'commander';
import { MtrlError } from '../core/errors.ts';
import { costOf, type EndpointUsage } from '../judge/evaluation/endpoint-usage.ts';
import type { AnswerMode } from '../judge/example.ts';
import { endpointOf } from '../recipes/arms.ts';
import { changedRecipe, type LoadedRecipe } from '../recipes/load.ts';
import type { Recipe, RecipeInput } from '../recipes/recipe.ts';
import { policyForms } from './policy-source.ts';
import { repeated } from './repeated.ts';

export interface AskedOptions {
  readonly policy?: string;
  readonly endpoint?: string;
  readonly model?: string;
  readonly ask: readonly string[];
}

export function addAskedOptions(command: Command): Command {
  return command
    .option('--policy <policy>', policyForms)
    .option('--endpoint <url>', 'instead of --policy: base address of an OpenAI-compatible API')
    .option('--model <name>', 'with --endpoint: the model, as the endpoint knows it')
    .option(
      '--ask <path=value>',
      "with --endpoint: a setting of an arm's `policy`, such as keyVariable=MY_API_KEY or cost.costMax=5 (repeatable)",
      repeated,
      [],
    );
}

/** Who is asked, of a policy and an endpoint. Throws USAGE unless it is one of them. */
export function askedOf({ policy, endpoint, model, ask }: AskedOptions): string | EndpointChoice {
  const usage = (message: string, hint: string): MtrlError =>
    new MtrlError('USAGE', message, { where: '--policy, --endpoint', hint });
  if (policy !== undefined && endpoint !== undefined)
    throw usage('a policy and an endpoint cannot be asked at once', 'run the command once for each');
  if (endpoint !== undefined && model !== undefined) return { endpoint, model, ask };
  if (endpoint !== undefined) throw usage('the endpoint needs a model', 'name it: --model NAME');
  if (policy === undefined) throw usage('nobody is asked', 'give --policy POLICY, or --endpoint URL --model NAME');
  if (model !== undefined || ask.length > 0)
    throw usage('--model and --ask are for an endpoint', 'give --endpoint URL instead of --policy');
  return policy;
}

export interface EndpointChoice {
  readonly endpoint: string;
  readonly model: string;
  readonly ask: readonly string[];
}

/** The only arm of the recipe that `askingRecipe` returns. */
export const askedArm = 'asked';

/** The recipe without its own arms and its promotion, which names one of them. Throws RECIPE_INVALID. */
export function askingRecipe(
  recipe: RecipeInput,
  { endpoint, model, ask }: EndpointChoice,
  mode: AnswerMode,
): LoadedRecipe {
  const { promotion: _, ...rest } = recipe;
  const arms = { [askedArm]: { objective: 'none', mode, policy: { endpoint, model } } };
  return changedRecipe(
    { ...rest, arms },
    ask.map((setting) => `arms.${askedArm}.policy.${setting}`),
  );
}

/** What the answers took, in words. */
export function usageLine(usage: EndpointUsage, recipe: Recipe): string {
  const { answerCount, promptTokenCount, completionTokenCount } = usage;
  const cost = endpointOf(recipe.arms[askedArm])?.cost;
  const spent = cost === undefined ? '' : `, cost ${costOf(usage, cost).toPrecision(3)}`;
  const tokens = `${String(promptTokenCount)} tokens of prompts, ${String(completionTokenCount)} of answers`;
  return `${String(answerCount)} answers of the endpoint: ${tokens}${spent}`;
}
