/** Saves a policy completely: as a checkpoint in Hugging Face layout, and with the optimizer state for continuing. */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { readFolderManifest } from '../../artifacts/store/files.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { PolicyState, SnapshotInput, SnapshotResult } from '../../contract/activities.ts';
import { durable } from '../durable.ts';
import { putCheckpoint, putOptimizer, smallFiles } from './state-files.ts';
import type { Snapshot } from './snapshot-artifact.ts';
import type { Caller } from '../heartbeat.ts';

export function createSnapshot(context: ComputeContext) {
  const { cache, states } = context;
  const { store } = cache;
  return async ({ policy, step }: SnapshotInput, caller: Caller): Promise<SnapshotResult> => {
    const key = { inputs: { snapshot: policy.snapshot, log: policy.log }, config: { step } };
    const { outputs, ...made } = await durable(context.deps, 'snapshot', key, () =>
      states.withPolicy(caller, { policy }, async ({ saved, waits }) => {
        const before = (await cache.get(policy.snapshot)) as Snapshot;
        const refs = await saved(async (folder) => {
          const files = await waits.for(putState(store, before.checkpoint, folder));
          const snapshot = await waits.for(cache.put(snapshotOf(policy, step, files)));
          return [[snapshot.sha256], { snapshot, checkpoint: files.checkpoint }];
        });
        return { outputs: refs, summary: {} };
      }),
    );
    const { manifest, cached, computeMs } = made;
    return { manifest, cached, computeMs, ...outputs };
  };
}

interface StoredState {
  readonly checkpoint: ArtifactRef;
  readonly optimizer: ArtifactRef;
}

function snapshotOf({ snapshot, log }: PolicyState, step: number, { checkpoint, optimizer }: StoredState): Snapshot {
  return { schema: 1, step, checkpoint, optimizer, records: log, previous: snapshot };
}

/** The engine's weights and moments; config, tokenizer and templates are those of the checkpoint it came from. */
async function putState(store: ArtifactStore, origin: ArtifactRef, folder: string): Promise<StoredState> {
  const [checkpoint, optimizer] = await Promise.all([
    putCheckpoint(store, smallFiles(await readFolderManifest(store, origin)), folder),
    putOptimizer(store, folder),
  ]);
  return { checkpoint, optimizer };
}
