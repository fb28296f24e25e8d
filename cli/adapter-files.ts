/** Exports the adapters that a run trained, from its last snapshot, in PEFT layout. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '../pipeline/policies/snapshot-artifact.ts';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { readFolderManifest } from '../artifacts/store/files.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';

/** Prefix of the adapter files, which the engine stores with the optimizer's state. */
const prefix = 'optimizer-adapter_';

/** Writes adapter_model.safetensors and adapter_config.json. Throws NOT_FOUND if no adapters were trained. */
export async function writeAdapterFiles(store: ArtifactStore, snapshot: ArtifactRef, folder: string): Promise<void> {
  const { optimizer } = (await store.getJson(snapshot)) as Snapshot;
  const files = optimizer === null ? {} : (await readFolderManifest(store, optimizer)).files;
  const adapters = Object.entries(files).filter(([name]) => name.startsWith(prefix));
  if (adapters.length === 0) {
    throw new MtrlError('NOT_FOUND', 'the run trained no adapters', {
      where: snapshot.uri,
      hint: 'set arms.*.lora to train adapters; without --adapter the whole checkpoint is exported',
    });
  }
  await mkdir(folder, { recursive: true });
  for (const [name, content] of adapters) {
    await store.getToFile(store.refOf(content), join(folder, name.replace('optimizer-', '')));
  }
}
