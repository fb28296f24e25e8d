/** Stores a whole policy: a checkpoint in Hugging Face layout, and the optimizer state to continue training from. */
import { readFolderManifest } from '../../artifacts/store/files.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { StateHandle } from '../../policy/engine.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { SnapshotInput, SnapshotResult } from '../../contract/snapshots.ts';
import { durable } from '../durable.ts';
import { smallFiles } from './small-files.ts';
import { type Snapshot, snapshotFormat } from './snapshot-artifact.ts';
import type { Caller } from '../heartbeat.ts';

export function createSnapshot(context: ComputeContext) {
  const { cache, states } = context;
  return async ({ policy, step }: SnapshotInput, caller: Caller): Promise<SnapshotResult> => {
    const key = { inputs: { snapshot: policy.snapshot, log: policy.log }, config: { step } };
    const { outputs, summary, ...made } = await durable(context.deps, 'snapshot', key, () =>
      states.withPolicy(caller, { policy }, async ({ saved, waits }) => {
        const before = await cache.getDocument(policy.snapshot, snapshotFormat);
        return saved(async (state) => {
          const files = await waits.for(putState(context, before.checkpoint, state));
          const snapshot = await waits.for(cache.put(snapshotOf(policy, step, files)));
          const byteLength = await waits.for(sizeOf(context, files));
          return [
            [snapshot.sha256],
            { outputs: { snapshot, checkpoint: files.checkpoint }, summary: { byteLength } },
          ] as const;
        });
      }),
    );
    const { manifest, cached, computeMs } = made;
    return { manifest, cached, computeMs, ...outputs, ...summary };
  };
}

interface StoredState {
  readonly checkpoint: ArtifactRef;
  readonly optimizer: ArtifactRef;
}

function snapshotOf({ snapshot, log }: PolicyState, step: number, { checkpoint, optimizer }: StoredState): Snapshot {
  return { schema: 1, step, checkpoint, optimizer, records: log, previous: snapshot };
}

/** Stores the engine's weights and moments; config, tokenizer and templates are those of the original checkpoint. */
async function putState(
  { deps, cache }: ComputeContext,
  origin: ArtifactRef,
  state: StateHandle,
): Promise<StoredState> {
  const { transfer } = deps;
  const [checkpoint, optimizer] = await Promise.all([
    transfer.putCheckpoint(state, smallFiles(await readFolderManifest(cache.store, origin))),
    transfer.putOptimizer(state),
  ]);
  return { checkpoint, optimizer };
}

async function sizeOf({ cache }: ComputeContext, { checkpoint, optimizer }: StoredState): Promise<number> {
  const folders = await Promise.all([checkpoint, optimizer].map((ref) => readFolderManifest(cache.store, ref)));
  const files = folders.flatMap((folder) => Object.values(folder.files));
  return files.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
