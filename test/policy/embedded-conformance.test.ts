import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { putFolder } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';
import { openEmbedded } from '../../policy/engines/embedded/open.ts';
import { cases, folderOf, promptsOf } from '../support/idefics3-fixture.ts';
import { needWebgpuConformance } from '../support/needs.ts';
import { engineConformance } from './engine-conformance.ts';

const tokens = {
  stopTokenId: cases.eosTokenId,
  padTokenId: cases.padTokenId,
  bannedTokenIds: [cases.padTokenId, ...cases.suppressedTokenIds],
};

/** A stored checkpoint whose weights are not tensors. */
async function broken(store: ArtifactStore) {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-broken-'));
  try {
    await cp(folderOf('tied'), folder, { recursive: true });
    await writeFile(join(folder, 'model.safetensors'), 'no tensors');
    return { checkpoint: await putFolder(store, folder), optimizer: null };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const conforms = (title: string, environment: NodeJS.ProcessEnv): void => {
  engineConformance(`embedded, ${title}`, {
    ...{ open: openEmbedded, environment, kind: 'embedded', broken, tokens },
    stored: async (store) => ({ checkpoint: await putFolder(store, folderOf('tied')), optimizer: null }),
    prompts: promptsOf(required(cases.cases['batch-left-padded'], 'case')),
    promptTokenCountMax: 48,
    labelTokenIds: [7, 9],
    logProbTolerance: 1e-4,
  });
};
conforms('onnxruntime on cpu', {});
conforms('tfjs on cpu', { MTRL_ENGINE_BACKEND: 'tfjs', MTRL_ENGINE_PROVIDER: 'cpu' });

const vulkan = await needWebgpuConformance();
// An engine is a child process, which reads these when it starts; other providers do not.
Object.assign(process.env, vulkan.found?.environment);
describe.skipIf(vulkan.isMissing)('with a Vulkan driver', () => {
  conforms('onnxruntime on webgpu', { MTRL_ENGINE_PROVIDER: 'webgpu' });
});

test('reports COMPUTE_OUT_OF_MEMORY as the reason if an engine exceeds its memory limit', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mtrl-capped-'));
  try {
    const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
    const environment = { MTRL_ENGINE_MEMORY_BYTE_LENGTH_MAX: '1000000' };
    const { start, states } = await openEmbedded({ environment, threadCount: 1, store, spoolFolder: root });
    const engine = start();
    const state = await states.fetch({ checkpoint: await putFolder(store, folderOf('tied')), optimizer: null });
    await expect(engine.loadState(state)).rejects.toMatchObject({ code: 'COMPUTE_OUT_OF_MEMORY' });
    expect(await engine.closed).toMatchObject({ code: 'COMPUTE_OUT_OF_MEMORY' });
  } finally {
    await rm(root, { recursive: true });
  }
});
