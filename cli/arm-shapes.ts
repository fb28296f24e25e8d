/** Shapes of a training step of each trained arm of a recipe, known before any data is read. */
import type { ArmShape } from '../contract/model-plan.ts';
import { trainingOf } from '../pipeline/training/objectives/table.ts';
import { lossOf } from '../pipeline/training/updates/table.ts';
import { trainedArms } from '../recipes/arms.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { trainedTasks } from '../recipes/task-sets.ts';

/** Prompts have the length of the longest template of the arm's tasks; completions have the maximum token count. */
export function armShapes(recipe: Recipe): ArmShape[] {
  const { memoryByteLengthMax, recompute } = recipe.engine ?? {};
  const memory = {
    ...(memoryByteLengthMax !== undefined && { byteLengthMax: memoryByteLengthMax }),
    ...(recompute !== undefined && { recompute }),
  };
  return trainedArms(recipe).map(([arm, spec]): ArmShape => {
    const { lora, freeze } = spec;
    const trainable = { ...(lora && { lora: { ...lora, seed: 0 } }), ...(freeze && { freeze }) };
    const { mixing, completion, groupSize } = trainingOf(spec);
    const { loss, usesReference: withReference } = lossOf(spec);
    return {
      ...{ arm, trainable, memory, ...longestPrompt(recipe, trainedTasks(recipe, spec)) },
      ...{ promptCount: mixing.exampleCountPerStep, groupSize, loss: loss.name, withReference },
      completionTokenCount: completion === 'target' ? recipe.evaluation.tokenCountMax : completion,
    };
  });
}

/** The longest prompt template of the tasks, by images and then by characters. */
export function longestPrompt(recipe: Recipe, names: Iterable<string>): Pick<ArmShape, 'promptText' | 'imageCount'> {
  const prompts = [...names].map((name) => {
    const task = recipe.tasks[name];
    const parts = (task?.prompt ?? '').split('<image>');
    return { promptText: parts.join(' '), imageCount: parts.length - 1 };
  });
  const weight = ({ promptText, imageCount }: { promptText: string; imageCount: number }): number =>
    1000 * imageCount + promptText.length;
  return prompts.sort((a, b) => weight(b) - weight(a))[0] ?? { promptText: '', imageCount: 0 };
}
