/** What a step of each trained arm of a recipe consists of, before any data is there. */
import type { ArmShape } from '../contract/model-plan.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { trainedTasks } from '../recipes/task-sets.ts';

/** Prompts are as long as the longest template of the arm's tasks is written; an answer has all the tokens it may have. */
export function armShapes(recipe: Recipe): ArmShape[] {
  const { memoryByteLengthMax, recompute } = recipe.engine ?? {};
  const memory = {
    ...(memoryByteLengthMax !== undefined && { byteLengthMax: memoryByteLengthMax }),
    ...(recompute !== undefined && { recompute }),
  };
  return Object.entries(recipe.arms).flatMap(([arm, spec]): ArmShape[] => {
    if (spec.objective === 'none') return [];
    const { lora, freeze } = spec;
    const trainable = { ...(lora && { lora: { ...lora, seed: 0 } }), ...(freeze && { freeze }) };
    const common = { arm, trainable, memory, ...longestPrompt(recipe, trainedTasks(recipe, spec)) };
    if (spec.objective === 'sft') {
      const completionTokenCount = recipe.evaluation.tokenCountMax;
      return [
        { ...common, promptCount: spec.exampleCountPerStep, groupSize: 1, completionTokenCount, withReference: false },
      ];
    }
    const { promptCountPerStep: promptCount, groupSize, tokenCountMax: completionTokenCount, klCoefficient } = spec;
    return [{ ...common, promptCount, groupSize, completionTokenCount, withReference: klCoefficient > 0 }];
  });
}

function longestPrompt(recipe: Recipe, names: Iterable<string>): Pick<ArmShape, 'promptText' | 'imageCount'> {
  const prompts = [...names].map((name) => {
    const task = recipe.tasks[name];
    const parts = (task?.prompt ?? '').split('<image>');
    const least = task?.kind === 'pairwise' ? 2 : 0;
    return { promptText: parts.join(' '), imageCount: Math.max(least, parts.length - 1) };
  });
  const weight = ({ promptText, imageCount }: { promptText: string; imageCount: number }): number =>
    1000 * imageCount + promptText.length;
  return prompts.sort((a, b) => weight(b) - weight(a))[0] ?? { promptText: '', imageCount: 0 };
}
