/** Recipes for tests of the judge: the world's tasks, and arms that need only what a test provides. */
import { recipeSchema, type Recipe, type RecipeInput } from '../../recipes/recipe.ts';

const yesNo: [string, string] = ['yes', 'no'];
const firstSecond: [string, string] = ['first', 'second'];
const pair = 'image first <image> image second <image>';

export const worldTasks: RecipeInput['tasks'] = {
  naturalness: { kind: 'pointwise', labels: yesNo, prompt: 'image <image> does it look natural ? {{ mode_word }}' },
  technical: { kind: 'pointwise', labels: yesNo, prompt: 'image <image> is the picture sharp ? {{ mode_word }}' },
  rationality: { kind: 'pointwise', labels: yesNo, prompt: 'image <image> is the scene possible ? {{ mode_word }}' },
  alignment: {
    kind: 'pointwise',
    labels: yesNo,
    prompt: 'image <image> does it fit the caption : {{ caption }} ? {{ mode_word }}',
  },
  preference: {
    kind: 'pointwise',
    labels: yesNo,
    prompt: 'image <image> is it good for the caption : {{ caption }} ? {{ mode_word }}',
  },
  safety: { kind: 'pointwise', labels: yesNo, prompt: 'image <image> is it safe ? {{ mode_word }}' },
  describe: { kind: 'pointwise', labels: yesNo, prompt: 'image <image> describe the picture {{ mode_word }}' },
  'pair-alignment': {
    kind: 'pairwise',
    labels: firstSecond,
    prompt: `${pair} which fits the caption : {{ caption }} ? {{ mode_word }}`,
  },
  'pair-safety': { kind: 'pairwise', labels: firstSecond, prompt: `${pair} which is safer ? {{ mode_word }}` },
};

/** A recipe whose only arm trains nothing, unless the test overrides it. */
export function recipeOf(parts: Pick<RecipeInput, 'tasks' | 'datasets'> & Partial<RecipeInput>): Recipe {
  return recipeSchema.parse({
    name: 'test',
    policy: { checkpoint: '/nowhere' },
    arms: { base: { objective: 'none', mode: 'think' } },
    ...parts,
  });
}
