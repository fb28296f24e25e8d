/** Recipes with one dataset, whose rows may have votes. */
import { parseRecipe } from '../../recipes/load.ts';

export const words = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ words }} {{ mode_word }}' };
export const scores = { ...words, kind: 'score', labels: ['1', '2', '3', '4', '5'] };

export function recipeOf(dataset: object, task: object = words) {
  return parseRecipe({
    ...{ name: 'votes', policy: { config: './demo-config', initSeed: 0 }, tasks: { shows: task } },
    datasets: [{ task: 'shows', split: 'test', reader: 'jsonl', path: 'rows.jsonl', ...dataset }],
    ...{ arms: { base: { objective: 'none', mode: 'direct' } }, quarantineRateMax: 1 },
  });
}
