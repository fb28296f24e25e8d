/** Exports the adapters that a run trained, from its last snapshot, in PEFT layout. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { snapshotFormat } from '../pipeline/policies/snapshot-artifact.ts';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { readFolderManifest } from '../artifacts/store/files.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';
import { parseHubAddress } from '../core/hub-address.ts';
import type { Recipe } from '../recipes/recipe.ts';

/** Prefix of the adapter files, which the engine stores with the optimizer's state. */
const prefix = 'optimizer-adapter_';

/** The policy that adapters were trained on: a checkpoint as the recipe names it, or the final policy of another run. */
export type AdapterBase = { readonly checkpoint: string } | { readonly runName: string };

/** From the run's plan and its recipe; undefined for fresh weights, which have no name. */
export function adapterBase({ policy }: Pick<Recipe, 'policy'>, from: string | undefined): AdapterBase | undefined {
  if (from !== undefined) return { runName: from };
  return policy !== undefined && 'checkpoint' in policy ? { checkpoint: policy.checkpoint } : undefined;
}

/**
 * Writes adapter_model.safetensors and adapter_config.json, which names the base if that is a checkpoint. Throws NOT_FOUND
 * if there are no adapters.
 */
export async function writeAdapterFiles(
  store: ArtifactStore,
  snapshot: ArtifactRef,
  folder: string,
  base: AdapterBase | undefined,
): Promise<void> {
  const { optimizer, averaged } = await store.getDocument(snapshot, snapshotFormat);
  if (averaged !== undefined) {
    throw new MtrlError('NOT_FOUND', 'the run ends with the mean of several snapshots, which is no adapter', {
      where: snapshot.uri,
      hint: 'export the whole checkpoint, or leave averagedSnapshotCount out of the arm',
    });
  }
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
  if (base !== undefined && 'checkpoint' in base) await nameBase(join(folder, 'adapter_config.json'), base.checkpoint);
}

/** As PEFT names it: `org/name` and a revision, or the path of a folder. */
async function nameBase(file: string, checkpoint: string): Promise<void> {
  const address = parseHubAddress(checkpoint);
  const config = JSON.parse(await readFile(file, 'utf8')) as Readonly<Record<string, unknown>>;
  const named = {
    base_model_name_or_path: address?.name ?? checkpoint,
    ...(address && { revision: address.revision }),
  };
  await writeFile(file, `${JSON.stringify({ ...config, ...named }, null, 2)}\n`);
}
