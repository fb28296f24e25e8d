/**
 * A whole experiment that runs in seconds: fresh weights of the demo's architecture, two tasks, an arm of each kind.
 * Its scores mean nothing.
 */
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';

export interface TinySizes {
  readonly sftStepCount: number;
  readonly grpoStepCount: number;
}

export function tinyRecipe({ sftStepCount, grpoStepCount }: TinySizes): RecipeInput {
  const pointwise = { kind: 'pointwise' as const, labels: ['yes', 'no'] as [string, string] };
  return {
    name: 'tiny',
    policy: { config: join(projectRoot, 'recipes', 'demo-config'), initSeed: 1 },
    tasks: {
      technical: { ...pointwise, prompt: 'image <image> is the picture sharp ? {{ mode_word }}' },
      safety: { ...pointwise, prompt: 'image <image> is it safe ? {{ mode_word }}' },
      'pair-safety': {
        kind: 'pairwise',
        labels: ['first', 'second'],
        prompt: 'image first <image> image second <image> which is safer ? {{ mode_word }}',
        ood: true,
      },
    },
    datasets: [
      { reader: 'judge-world', tasks: ['technical', 'safety'], split: 'train', exampleCount: 24, seed: 1 },
      { reader: 'judge-world', tasks: ['technical', 'safety', 'pair-safety'], split: 'test', exampleCount: 6, seed: 2 },
    ],
    arms: {
      base: { objective: 'none', mode: 'direct' },
      'sft-start': {
        objective: 'sft',
        mode: 'direct',
        stepCount: sftStepCount,
        exampleCountPerStep: 16,
        stepCountPerActivity: 10,
        snapshotEveryStepCount: sftStepCount,
        optimizer: { learningRate: 3e-3, warmupStepCount: 2 },
      },
      'mt-rl': {
        objective: 'rl',
        mode: 'direct',
        from: 'sft-start',
        stepCount: grpoStepCount,
        promptCountPerStep: 4,
        groupSize: 4,
        rolloutShardCount: 1,
        tokenCountMax: 8,
        snapshotEveryStepCount: 6,
        optimizer: { learningRate: 1e-4, warmupStepCount: 2 },
      },
    },
    evaluation: { tokenCountMax: 8, bootstrapResampleCount: 100 },
  };
}
