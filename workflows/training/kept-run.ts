/** Finds and stores whole runs under one key. Runs that started before this existed continue without it. */
import { patched } from '@temporalio/workflow';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { FindRunInput, KeptRun, RunOutcome } from '../../contract/activities.ts';
import type { RunInput } from '../../contract/workflows.ts';
import { compute } from '../activity-options.ts';
import { onPool } from '../pools.ts';

/** The stored run; null if there is none. */
export async function findRun(input: RunInput): Promise<KeptRun | null> {
  if (!patched('kept-runs')) return null;
  const { runName, pools } = input.plan;
  const options = { summary: `${runName}: made before?`, ...onPool(pools?.training) };
  return compute.findRun.executeWithOptions(options, [identityOf(input)]);
}

/** Stores the run; returns its manifest. */
export async function keepRun(input: RunInput, outcome: RunOutcome): Promise<ArtifactRef | undefined> {
  if (!patched('kept-runs')) return undefined;
  const { runName, pools } = input.plan;
  const options = { summary: `${runName}: kept`, ...onPool(pools?.training) };
  const kept = await compute.keepRun.executeWithOptions(options, [{ ...identityOf(input), outcome }]);
  return kept.manifest;
}

function identityOf({ recipe, dataset, plan, initial }: RunInput): FindRunInput {
  return { recipe, dataset, arm: plan.arm, seed: plan.seed, initial: initial.policy };
}
