/** Imports a run's initial policy: a user's checkpoint, fresh weights, or the final policy of another run. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { isHubAddress } from '../../core/hub-address.ts';
import { isTensorFile, tensorFiles } from '../../artifacts/codecs/safetensors-folder.ts';
import { putFolder, readFolderManifest } from '../../artifacts/store/files.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { isCheckpointFile } from '../../policy/checkpoints/checkpoint-files.ts';
import { type CheckpointForm, openForm } from '../../policy/checkpoints/form.ts';
import { loadProcessor } from '../../policy/processor.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { ImportPolicyInput, ImportPolicyResult } from '../../contract/activities.ts';
import { durable } from '../durable.ts';
import type { Caller } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import { recipeOf } from '../recipe-access.ts';
import { hubCheckpoint } from './hub-checkpoint.ts';
import { smallFiles } from './small-files.ts';
import { type Snapshot, snapshotFormat } from './snapshot-artifact.ts';

const activity = 'importPolicy';

/**
 * An engine reads the recipe's checkpoint before anything depends on it. Throws CHECKPOINT_INVALID,
 * CHECKPOINT_UNSUPPORTED, FILE_MISSING.
 */
export function createImportPolicy(context: ComputeContext) {
  return async ({ recipe, from, checkpoint: kept }: ImportPolicyInput, caller: Caller): Promise<ImportPolicyResult> => {
    const { outputs, manifest, cached, computeMs } = from
      ? await adopt(context, from)
      : kept
        ? await adoptCheckpoint(context, kept)
        : await importNamed(context, await recipeOf(context.cache, recipe), caller);
    const { snapshot, checkpoint } = outputs;
    return { manifest, cached, computeMs, policy: { snapshot, log: [] }, checkpoint };
  };
}

function adopt({ deps, cache }: ComputeContext, from: ArtifactRef) {
  return durable(deps, activity, { inputs: { from }, config: {} }, async () => {
    const { checkpoint } = await cache.getDocument(from, snapshotFormat);
    return { outputs: await untouched(cache, checkpoint, from), summary: {} };
  });
}

/** Checks only that the folder's manifest exists; the engine that loads the checkpoint validates it. */
function adoptCheckpoint({ deps, cache }: ComputeContext, checkpoint: ArtifactRef) {
  return durable(deps, activity, { inputs: { checkpoint }, config: {} }, async () => {
    await readFolderManifest(cache.store, checkpoint);
    return { outputs: await untouched(cache, checkpoint, null), summary: {} };
  });
}

async function importNamed(context: ComputeContext, recipe: Recipe, caller: Caller) {
  const { policy } = recipe;
  if (policy === undefined) {
    throw new MtrlError('RECIPE_INVALID', 'the recipe has no policy', {
      ...{ where: 'policy', found: 'only arms that ask endpoints', hint: 'name a checkpoint' },
    });
  }
  const named = 'checkpoint' in policy ? policy.checkpoint : policy.config;
  const fetched = (address: string): Promise<string> => hubCheckpoint(context.deps, address, caller);
  const path = isHubAddress(named) ? await fetched(named) : named;
  try {
    const form = 'checkpoint' in policy ? await openForm(path, fetched) : undefined;
    return await (form === undefined
      ? importFolder(context, path, policy, recipe.engine?.tinker !== undefined, caller)
      : importForm(context, form, path, caller));
  } catch (error) {
    throw namingFolder(error, path, named);
  }
}

/** What the folder is made of is in the key, with digests, and so in the lineage; it is not stored itself. */
async function importForm(context: ComputeContext, form: CheckpointForm, path: string, caller: Caller) {
  const { deps, cache } = context;
  const key = { inputs: {}, config: { ...form.description, files: await form.digests() } };
  return durable(deps, activity, key, async () => {
    const folder = await mkdtemp(join(deps.spoolFolder, 'checkpoint-'));
    try {
      await form.writeFolder(folder);
      await loadProcessor(folder).catch(rethrown((error) => namingFolder(error, folder, path)));
      const kept = await putFolder(cache.store, folder);
      const { outputs } = await readCheckpoint(context, caller, kept).catch(
        rethrown((error) => namingFolder(error, kept.uri, path)),
      );
      return { outputs, summary: {} };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

function rethrown(change: (error: unknown) => unknown) {
  return (error: unknown): never => {
    throw change(error);
  };
}

async function importFolder(
  context: ComputeContext,
  path: string,
  policy: NonNullable<Recipe['policy']>,
  isRemote: boolean,
  caller: Caller,
) {
  const { deps, cache } = context;
  const names = await checkpointFiles(path);
  // With a remote engine, the weights of the base model are on its server.
  if ('checkpoint' in policy && !isRemote) names.push(...(await tensorFiles(path, 'model')));
  const folder = await putFolder(cache.store, path, names);
  const config = 'checkpoint' in policy ? {} : { initSeed: policy.initSeed };
  return durable(deps, activity, { inputs: { folder }, config }, async () => {
    try {
      // Read here for its messages: every later use reads a copy, whose place means nothing to the user.
      await loadProcessor(path);
      return 'checkpoint' in policy
        ? await readCheckpoint(context, caller, folder)
        : await initialized(context, caller, folder, policy.initSeed);
    } catch (error) {
      throw namingFolder(error, folder.uri, path);
    }
  });
}

/** Loads the policy into an engine as every later use does, to validate it. */
async function readCheckpoint({ cache, states }: ComputeContext, caller: Caller, checkpoint: ArtifactRef) {
  const outputs = await untouched(cache, checkpoint, null);
  await states.withPolicy(caller, { policy: { snapshot: outputs.snapshot, log: [] } }, () => Promise.resolve());
  return { outputs, summary: {} };
}

async function initialized({ deps, cache, states }: ComputeContext, caller: Caller, folder: ArtifactRef, seed: number) {
  const { transfer } = deps;
  return states.withEmptyEngine(caller, ({ engine, change, waits }) =>
    change(async () => {
      const described = await waits.for(transfer.fetch({ checkpoint: folder, optimizer: null }));
      await engine.initialize(described, seed).finally(() => transfer.discard(described));
      const small = smallFiles(await readFolderManifest(cache.store, folder));
      const state = await engine.saveState();
      const checkpoint = await waits.for(transfer.putCheckpoint(state, small).finally(() => transfer.discard(state)));
      return { outputs: await waits.for(untouched(cache, checkpoint, null)), summary: {} };
    }),
  );
}

/** Replaces the copy in the error's `where`, which was read, by what the user named. */
function namingFolder(error: unknown, copy: string, path: string): unknown {
  if (!(error instanceof MtrlError)) return error;
  const { where } = error.details;
  if (where?.startsWith(copy) !== true) return error;
  return new MtrlError(error.code, error.message, { ...error.details, where: `${path}${where.slice(copy.length)}` });
}

/** Config, tokenizer and templates. */
async function checkpointFiles(folder: string): Promise<string[]> {
  const names = await fileNames(folder).catch((cause: unknown) => {
    throw new MtrlError('FILE_MISSING', 'the checkpoint folder cannot be read', { where: folder, cause });
  });
  const templates = await fileNames(join(folder, templateFolder)).catch(() => []);
  return [
    ...names.filter((name) => isCheckpointFile(name) && !isTensorFile(name) && name !== 'provenance.json'),
    ...templates.filter((name) => name.endsWith('.jinja')).map((name) => `${templateFolder}/${name}`),
  ];
}

async function fileNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}

/** Where transformers keeps further templates. */
const templateFolder = 'additional_chat_templates';

async function untouched(cache: JsonCache, checkpoint: ArtifactRef, previous: ArtifactRef | null) {
  const snapshot: Snapshot = { schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous };
  return { snapshot: await cache.put(snapshot), checkpoint };
}
