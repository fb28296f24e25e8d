/** Recipes for tests of the judge: the world's tasks, and arms that need only what a test provides. */
import { recipeSchema, type Recipe, type RecipeInput } from '../../recipes/recipe.ts';

const yesNo: [string, string] = ['yes', 'no'];
const firstSecond: [string, string] = ['first', 'second'];
const three =
  'image 1 <image> image 2 <image> image 3 <image> which fits the caption : {{ caption }} ? {{ mode_word }}';
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
  'pair-tie': {
    kind: 'pairwise',
    labels: ['first', 'second', 'same'],
    prompt: `${pair} which fits the caption : {{ caption }} first second same ? {{ mode_word }}`,
  },
  'best-of-three': { kind: 'choice', labels: ['1', '2', '3'], prompt: three },
  'rank-three': { kind: 'ranking', labels: ['1', '2', '3'], prompt: three },
  'three-criteria': {
    kind: 'criteria',
    labels: yesNo,
    criteria: { natural: null, sharp: null, safe: null },
    prompt: 'image <image> does it look natural ? is it sharp ? is it safe ? {{ mode_word }}',
  },
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
