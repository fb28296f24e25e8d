/** A whole run under one key. Runs that began before whole runs were kept end without. */
import { patched } from '@temporalio/workflow';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { FindRunInput, KeptRun, RunOutcome } from '../../contract/activities.ts';
import type { RunInput } from '../../contract/workflows.ts';
import { compute } from '../activity-options.ts';

/** As it was made before; null where it was not. */
export async function findRun(input: RunInput): Promise<KeptRun | null> {
  if (!patched('kept-runs')) return null;
  return compute.findRun.executeWithOptions({ summary: `${input.plan.runName}: made before?` }, [identityOf(input)]);
}

/** Where it is kept from now on. */
export async function keepRun(input: RunInput, outcome: RunOutcome): Promise<ArtifactRef | undefined> {
  if (!patched('kept-runs')) return undefined;
  const kept = await compute.keepRun.executeWithOptions({ summary: `${input.plan.runName}: kept` }, [
    { ...identityOf(input), outcome },
  ]);
  return kept.manifest;
}

function identityOf({ recipe, dataset, plan, initial }: RunInput): FindRunInput {
  return { recipe, dataset, arm: plan.arm, seed: plan.seed, initial: initial.policy };
}
