/**
 * The mean of the weights of a run's last snapshots, as a policy of its own (Izmailov et al., UAI 2018, "Averaging
 * weights leads to wider optima and better generalization"). It has no optimizer state: training continues from the
 * snapshots themselves.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointMean } from '../../artifacts/codecs/checkpoint-mean.ts';
import { writeSafetensorsFolder } from '../../artifacts/codecs/safetensors-folder.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { type FolderManifest, materializeFolder, putFolder, readFolderManifest } from '../../artifacts/store/files.ts';
import type { AverageSnapshotsInput, SnapshotResult } from '../../contract/snapshots.ts';
import { required } from '../../core/assert.ts';
import type { ComputeContext } from '../compute-context.ts';
import { durable } from '../durable.ts';
import { type LoggedSnapshot, snapshotsOf } from './run-log.ts';
import { smallFiles } from './small-files.ts';
import type { Snapshot } from './snapshot-artifact.ts';

export function createAverageSnapshots({ cache, deps }: Pick<ComputeContext, 'cache' | 'deps'>) {
  return async ({ policy, count }: AverageSnapshotsInput): Promise<SnapshotResult> => {
    const trained = (await snapshotsOf(cache, policy)).filter(({ step }) => step > 0);
    const averaged = trained.slice(-count);
    const last = required(averaged.at(-1), 'a snapshot of a trained policy');
    const refs = averaged.map(({ ref }) => ref);
    const { outputs, ...made } = await durable(
      deps,
      'averageSnapshots',
      { inputs: { snapshots: refs }, config: {} },
      async () => {
        const checkpoint = await meanCheckpoint(deps, averaged, last);
        const value: Snapshot = {
          ...{ schema: 1, step: last.step, checkpoint, optimizer: null, records: [] },
          ...{ previous: last.ref, averaged: refs },
        };
        return { outputs: { snapshot: await cache.put(value), checkpoint }, summary: {} };
      },
    );
    const { manifest, cached, computeMs } = made;
    return { manifest, cached, computeMs, ...outputs };
  };
}

/** Stores the mean with the other files of the last checkpoint. One checkpoint at a time is on the disk. */
async function meanCheckpoint(
  { store, spoolFolder }: ComputeContext['deps'],
  averaged: readonly LoggedSnapshot[],
  last: LoggedSnapshot,
): Promise<ArtifactRef> {
  const folder = await mkdtemp(join(spoolFolder, 'average-'));
  try {
    const mean = new CheckpointMean();
    for (const { checkpoint } of averaged) {
      const one = join(folder, checkpoint.sha256);
      await materializeFolder(store, checkpoint, one);
      await mean.add(one);
      await rm(one, { recursive: true });
    }
    const names = await writeSafetensorsFolder(folder, 'model', mean.tensors());
    const weights = await readFolderManifest(store, await putFolder(store, folder, names));
    const others = smallFiles(await readFolderManifest(store, last.checkpoint));
    const manifest: FolderManifest = { schema: 1, files: { ...others, ...weights.files } };
    return await store.putJson(manifest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
