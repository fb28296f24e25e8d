/** Refuses an experiment whose snapshots cannot fit on the disk of the local store, before anything runs. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type FreeSpace, freeSpace } from '../core/free-space.ts';
import { MtrlError } from '../core/errors.ts';
import { planRuns } from '../pipeline/training/plan-runs.ts';
import { isTrained } from '../recipes/arms.ts';
import type { Recipe, TrainedArm } from '../recipes/recipe.ts';
import { isLocalCheckpoint } from './local-checkpoint.ts';
import { runWork } from './plan/run-work.ts';

const gib = 1024 ** 3;

export interface DiskNeed {
  readonly snapshotCount: number;
  /** At least: weights as in the checkpoint's files, and the optimizer's two moments where all weights are trained. */
  readonly byteLength: number;
}

/** Undefined if it is not known: fresh weights, a checkpoint of the Hub, weights on a server. */
export function diskNeed(recipe: Recipe): DiskNeed | undefined {
  const { policy, engine } = recipe;
  if (policy === undefined || !('checkpoint' in policy) || engine?.tinker || !isLocalCheckpoint(policy.checkpoint))
    return undefined;
  const weights = weightsByteLength(policy.checkpoint);
  let [snapshotCount, byteLength] = [0, 0];
  for (const plan of planRuns(recipe)) {
    const arm = recipe.arms[plan.arm];
    if (!isTrained(arm)) continue;
    const { stepCountMax = plan.stepCount, byteLengthMax = Infinity } = plan.ceilings ?? {};
    const stepCount = Math.min(plan.stepCount, stepCountMax);
    const { snapshot } = runWork(recipe, arm, { ...plan, stepCount }, 0).activities;
    snapshotCount += snapshot;
    byteLength += Math.min(byteLengthMax, snapshot * weights * copyCount(arm));
  }
  return { snapshotCount, byteLength };
}

/** Throws DISK_SHORT. */
export function requireDisk(recipe: Recipe, home: string, free: FreeSpace = freeSpace(home)): void {
  const need = diskNeed(recipe);
  if (need === undefined || need.byteLength <= free.byteLength) return;
  throw new MtrlError('DISK_SHORT', 'the snapshots of the experiment do not fit on the disk of the store', {
    where: free.folder,
    found: `at least ${inGib(need.byteLength)} needed for ${String(need.snapshotCount)} snapshots, ${inGib(free.byteLength)} free`,
    hint: 'free some space, raise snapshotEveryStepCount, set ceilings.byteLengthMax, or start with --yes if most of it is stored already; `mtrl plan` has more figures',
  });
}

/** Of the size of the weights: these and, unless only a part is trained, both moments of AdamW. */
function copyCount({ lora, freeze }: TrainedArm): number {
  return lora === undefined && freeze === undefined ? 3 : 1;
}

function weightsByteLength(checkpoint: string): number {
  if (statSync(checkpoint).isFile()) return statSync(checkpoint).size;
  const names = readdirSync(checkpoint).filter((name) => name.endsWith('.safetensors'));
  return names.reduce((sum, name) => sum + statSync(join(checkpoint, name)).size, 0);
}

function inGib(byteLength: number): string {
  return `${(byteLength / gib).toFixed(1)} GiB`;
}
