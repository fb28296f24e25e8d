/** Training settings of each objective. Updates (training/updates) are separate: only keys of `optimize` need them. */
import type { TrainedArm } from '../../../recipes/recipe.ts';
import { rlTraining } from './rl.ts';
import { sftTraining } from './sft.ts';
import type { Training } from './training.ts';

const objectives: {
  readonly [O in TrainedArm['objective']]: (arm: Extract<TrainedArm, { objective: O }>) => Training;
} = {
  sft: sftTraining,
  rl: rlTraining,
};

export function trainingOf(arm: TrainedArm): Training {
  const training = objectives[arm.objective] as (arm: TrainedArm) => Training;
  return training(arm);
}
