/** A Tinker server of the tests' own with a small vocabulary, and engines over it. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { putFolder } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { projectRoot } from '../../core/project.ts';
import { Rng } from '../../core/rng.ts';
import type { Engine, StateHandle, TokenRoles } from '../../policy/engine.ts';
import type { EngineService, EngineSurroundings, StoredState } from '../../policy/engines/engine-service.ts';
import { openTinker } from '../../policy/engines/tinker/open.ts';
import type { TinkerSettings } from '../../policy/engines/tinker/settings.ts';
import { TinkerServer, type TinkerServerOptions } from './tinker-server.ts';

const tinkerBaseModel = 'tests/tiny';
/** Of a text-only model; a server of the tests needs none of its weights. */
export const tinkerCheckpoint = `${projectRoot}/test/fixtures/text-models/qwen3`;
const checkpointFiles = ['config.json', 'tokenizer.json'];
const vocabularySize = 64;

export const tinkerTokens: TokenRoles = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [0, 1] };

/** Logits of each token after each other, by chance. */
const tinkerLogits = Array.from({ length: vocabularySize }, (_, before) => {
  const rng = new Rng('tinker-logits', before);
  return Array.from({ length: vocabularySize }, () => rng.normal());
});

export function startTinkerServer(options: Partial<TinkerServerOptions> = {}): Promise<TinkerServer> {
  return TinkerServer.start({ baseModel: tinkerBaseModel, logits: tinkerLogits, ...options });
}

export const tinkerEnvironment = ({ url }: TinkerServer): NodeJS.ProcessEnv => ({
  MTRL_TINKER_URL: url,
  MTRL_TINKER_BASE_MODEL: tinkerBaseModel,
});

/** Quick, so that tests of faults are. */
export const quick: Partial<TinkerSettings> = { backoffMs: 1, heartbeatMs: 20 };

export function storeTinkerCheckpoint(store: ArtifactStore): Promise<StoredState> {
  return putFolder(store, tinkerCheckpoint, checkpointFiles).then((checkpoint) => ({ checkpoint, optimizer: null }));
}

export interface TinkerEngines {
  readonly service: EngineService;
  readonly store: ArtifactStore;
  readonly engine: Engine;
  readonly initial: StateHandle;
}

/** Runs the body with an engine over the server, and closes it. */
export async function withTinkerEngine<T>(
  server: TinkerServer,
  body: (engines: TinkerEngines) => Promise<T>,
  overrides: Partial<TinkerSettings> = {},
  surroundings: Partial<EngineSurroundings> = {},
): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'mtrl-tinker-'));
  const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  try {
    const service = await openTinker(
      {
        environment: tinkerEnvironment(server),
        threadCount: 1,
        store,
        spoolFolder: join(root, 'spool'),
        ...surroundings,
      },
      { ...quick, ...overrides },
    );
    const initial = await service.states.fetch(await storeTinkerCheckpoint(store));
    const engine = service.start();
    try {
      return await body({ service, store, engine, initial });
    } finally {
      await engine.close();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** A stored checkpoint of a model that is none. */
async function broken(store: ArtifactStore) {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-broken-'));
  try {
    await cp(tinkerCheckpoint, folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), '{"model_type":"none"}');
    return { checkpoint: await putFolder(store, folder), optimizer: null };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const prompts = [
  { tokenIds: [5, 9, 17], images: [] },
  { tokenIds: [8, 30, 41, 12, 33], images: [] },
];
/** What the conformance suite of engines needs, but for the server. */
export const tinkerSubject = {
  ...{ kind: 'tinker', broken, stored: storeTinkerCheckpoint, tokens: tinkerTokens, prompts },
  ...{ promptTokenCountMax: 8, labelTokenIds: [7, 9] as const },
};
