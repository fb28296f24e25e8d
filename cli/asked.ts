/** Who `evaluate` and `judge` ask, a policy or an endpoint, and the recipe that they are asked with. */
import { MtrlError } from '../core/errors.ts';
import type { EvaluatePolicyInput } from '../contract/workflows.ts';
import type { AnswerMode } from '../judge/example.ts';
import { loadRecipeFile, type LoadedRecipe } from '../recipes/load.ts';
import { askedArm, askedOf, type AskedOptions, askingRecipe } from './endpoint-options.ts';
import { policyFolder, policySource } from './policy-source.ts';
import type { Stack } from './temporal/stack.ts';

export interface Asked extends Pick<LoadedRecipe, 'recipe' | 'parsed'> {
  /** As the user named it. */
  readonly name: string;
  /** Whether the recipe names the policy, which must then exist. */
  readonly isInRecipe: boolean;
  /** The part of a workflow's input that says who is asked, and how. */
  by(stack: Stack): Promise<Pick<EvaluatePolicyInput, 'mode' | 'source' | 'asked'>>;
}

/** Throws USAGE, RECIPE_INVALID. */
export function askedWith(
  options: AskedOptions,
  mode: string | undefined,
  file: string,
  sets: readonly string[],
): Asked {
  const wanted = answerMode(mode);
  const choice = askedOf(options);
  if (typeof choice !== 'string') {
    const answers = wanted ?? 'think';
    return {
      ...askingRecipe(loadRecipeFile(file, sets).recipe, choice, answers),
      ...{ name: `${choice.model} at ${choice.endpoint}`, isInRecipe: false },
      by: () => Promise.resolve({ mode: answers, asked: askedArm }),
    };
  }
  const folder = policyFolder(choice);
  const { recipe, parsed } = loadRecipeFile(file, [...sets, ...(folder === undefined ? [] : [policySetting(folder)])]);
  return {
    ...{ recipe, parsed, name: choice, isInRecipe: folder !== undefined },
    async by(stack) {
      const { source, mode: own } = folder === undefined ? await policySource(stack, choice) : {};
      return { mode: wanted ?? own ?? 'think', ...(source && { source }) };
    },
  };
}

export function answerMode(mode: string | undefined): AnswerMode | undefined {
  if (mode === undefined || mode === 'think' || mode === 'direct') return mode;
  throw new MtrlError('USAGE', 'the mode does not exist', {
    where: '--mode',
    found: mode,
    hint: 'use think or direct',
  });
}

/** Recipe override that sets the policy to a folder. JSON is valid YAML, so the path may contain any character. */
export function policySetting(folder: string): string {
  return `policy=${JSON.stringify({ checkpoint: folder })}`;
}
