/** The updates of each objective. */
import type { OptimizeInput } from '../../../contract/optimize.ts';
import type { Loss } from '../../../policy/losses/table.ts';
import type { Recipe, TrainedArm } from '../../../recipes/recipe.ts';
import type { PromptedDataset } from '../../asking/prompts/prompter.ts';
import type { Key } from '../../durable.ts';
import type { JsonCache } from '../../json-cache.ts';
import { isFromRollouts, type RlUpdate, type SftUpdate, type Update } from '../../policies/step-record.ts';
import { trainedArm } from '../../recipe-access.ts';
import type { ReadySteps } from '../apply-update.ts';
import { rlUpdates } from './rl.ts';
import { sftUpdates } from './sft.ts';
import type { PlannedRows, Updates } from './updates.ts';

type Objective = TrainedArm['objective'];
type ArmOf<O extends Objective> = Extract<TrainedArm, { readonly objective: O }>;
interface UpdateOf {
  readonly sft: SftUpdate;
  readonly rl: RlUpdate;
}

const updates: { readonly [O in Objective]: Updates<ArmOf<O>, UpdateOf[O]> } = {
  sft: sftUpdates,
  rl: rlUpdates,
};

/** The wider types are safe: each lookup is by the objective of the arm or update that its methods then receive. */
const ofArm = ({ objective }: TrainedArm): Updates<TrainedArm, Update> => updates[objective];
const ofUpdate = (update: Update): Updates<TrainedArm, Update> => updates[isFromRollouts(update) ? 'rl' : 'sft'];

/** The loss of the arm's updates, and whether they need log-probs of a reference policy, in the loss or in rewards. */
export function lossOf(arm: TrainedArm): { readonly loss: Loss; readonly usesReference: boolean } {
  const unit = ofArm(arm);
  return { loss: unit.loss(arm), usesReference: unit.usesReference(arm) };
}

export async function planUpdate(recipe: Recipe, input: OptimizeInput, planned: PlannedRows): Promise<Update> {
  const arm = trainedArm(recipe, input.arm);
  return ofArm(arm).plan(recipe, arm, input, planned);
}

/** Loads what an update refers to and prepares its steps for an engine. */
export async function readySteps(cache: JsonCache, prompted: PromptedDataset, update: Update): Promise<ReadySteps> {
  return { steps: await ofUpdate(update).ready(cache, prompted, update), tokens: prompted.tokens };
}

/** The key of an update: its refs are inputs, the rest of it is configuration. */
export function updateInputs(update: Update): Key {
  return ofUpdate(update).inputs(update);
}

/** The update's steps before `toStep`. */
export function firstSteps(update: Update, toStep: number): Update {
  return ofUpdate(update).firstSteps(update, toStep);
}
