/** The recipe of the load bench: RL runs of the demo's step size, side by side, over a small judge world. */
import { join } from 'node:path';
import { projectRoot } from '../core/project.ts';
import type { RecipeInput } from '../recipes/recipe.ts';

export const promptCountPerStep = 16;
export const groupSize = 8;
export const snapshotEveryStepCount = 25;
export const armName = 'mt-rl';

export function loadRecipe(stepCount: number, runCount: number): RecipeInput {
  return {
    name: 'bench-load',
    seeds: Array.from({ length: runCount }, (_, seed) => seed),
    policy: { config: join(projectRoot, 'recipes', 'demo-config'), initSeed: 0 },
    tasks: {
      technical: {
        kind: 'pointwise',
        labels: ['yes', 'no'],
        prompt: 'image <image> is the picture sharp ? {{ mode_word }}',
      },
    },
    datasets: [
      { reader: 'judge-world', tasks: ['technical'], split: 'train', exampleCount: 200, seed: 1 },
      { reader: 'judge-world', tasks: ['technical'], split: 'test', exampleCount: 8, seed: 2 },
    ],
    arms: {
      [armName]: {
        ...{ objective: 'rl', mode: 'direct', stepCount, promptCountPerStep, groupSize, snapshotEveryStepCount },
        ...{ tokenCountMax: 8, optimizer: { learningRate: 1e-4 } },
      },
    },
    evaluation: { tokenCountMax: 8, bootstrapResampleCount: 100 },
  };
}
