/** A short RL run of the quick demo on a given stack whose store has none of its artifacts. */
import type { Client } from '@temporalio/client';
import { join } from 'node:path';
import { openArtifactStore } from '../artifacts/store/open-store.ts';
import { startOrAttach } from '../cli/temporal/experiments.ts';
import { resultOf } from '../cli/show/outcome.ts';
import { projectRoot } from '../core/project.ts';
import type { StackSettings } from '../infra/stack/settings.ts';
import { withTemporalClient } from '../infra/stack/temporal-client.ts';
import { loadRecipeFile } from '../recipes/load.ts';

/** A single arm, so that nothing else uses the compute worker, and a new seed, so that the cache has no hits. */
function settingsOf(name: string, seed: number, stepCount: number): string[] {
  const arm = `{objective: rl, mode: think, stepCount: ${String(stepCount)}, tokenCountMax: 20, snapshotEveryStepCount: 20, optimizer: {learningRate: 1e-4}}`;
  return [`name=${name}`, `seeds=[${String(seed)}]`, `arms={mt-rl: ${arm}}`, 'evaluation.tasks=[technical]'];
}

export interface SmallRun {
  readonly name: string;
  readonly seed: number;
  readonly stepCount: number;
  /** More settings of the recipe, `PATH=VALUE` each. */
  readonly changes?: readonly string[];
}

/** Runs it to completion; `ended` then inspects it through the same client. */
export async function smallRun<T>(
  settings: StackSettings,
  { name, seed, stepCount, changes = [] }: SmallRun,
  ended: (run: { client: Client; experimentId: string; runId: string; wallMs: number }) => T | Promise<T>,
): Promise<T> {
  return withTemporalClient(settings.temporal, async (client) => {
    const { recipe, parsed } = loadRecipeFile(join(projectRoot, 'recipes', 'demo-quick.yaml'), [
      ...settingsOf(name, seed, stepCount),
      ...changes,
    ]);
    const experimentId = `${name}-${String(seed)}`;
    const stack = { settings, client, store: openArtifactStore(settings.s3) };
    await startOrAttach(stack, { experimentId, recipe, parsed });
    const { wallMs } = await resultOf(stack, experimentId);
    return ended({ client, experimentId, runId: `${experimentId}/mt-rl/s${String(seed)}`, wallMs });
  });
}
