/** What an experiment's artifacts say of the saves of its policies on a server of the Tinker API. */
import { readFolderManifest } from '../../artifacts/store/files.ts';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import type { EndedExperiment, WholeStack } from './whole-stack.ts';

export interface TinkerSave {
  readonly runName: string;
  /** How the policy was made; undefined for the base model. */
  readonly digest?: string;
  readonly updateCount?: number;
}

export function tinkerSavesOf(stack: WholeStack, { runs }: Pick<EndedExperiment, 'runs'>): Promise<TinkerSave[]> {
  const store = openArtifactStore(stack.settings.s3);
  const saves = runs.map(async ({ plan: { runName }, checkpoint }): Promise<TinkerSave> => {
    const file = (await readFolderManifest(store, checkpoint)).files['tinker.json'];
    if (file === undefined) return { runName };
    const { digest, updateCount } = (await store.getJson(store.refOf(file))) as Required<TinkerSave>;
    return { runName, digest, updateCount };
  });
  return Promise.all(saves);
}
