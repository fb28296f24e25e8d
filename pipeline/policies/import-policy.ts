/** Imports a run's initial policy: a user's checkpoint, fresh weights, or the final policy of another run. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { putFolder, readFolderManifest } from '../../artifacts/store/files.ts';
import { digestFile } from '../../artifacts/store/stream-digest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { isGguf } from '../../policy/checkpoints/small-files.ts';
import { openGguf } from '../../policy/checkpoints/gguf/gguf-file.ts';
import { describeGguf, writeGgufFolder } from '../../policy/checkpoints/gguf/write-folder.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { ImportPolicyInput, ImportPolicyResult } from '../../contract/activities.ts';
import { durable } from '../durable.ts';
import type { Caller } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import { recipeOf } from '../recipe-access.ts';
import { smallFiles } from './small-files.ts';
import type { Snapshot } from './snapshot-artifact.ts';

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
    const { checkpoint } = (await cache.get(from)) as Snapshot;
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

function importNamed(context: ComputeContext, recipe: Recipe, caller: Caller) {
  const { policy } = recipe;
  return 'checkpoint' in policy && isGguf(policy.checkpoint)
    ? importGguf(context, policy.checkpoint, caller)
    : importFolder(context, recipe, caller);
}

/** The file's digest is in the key, and what it was in the summary: the file itself is not stored. */
async function importGguf(context: ComputeContext, path: string, caller: Caller) {
  const { deps, cache } = context;
  const file = await openGguf(path);
  const key = { inputs: {}, config: { gguf: await digestFile(path) } };
  return durable(deps, activity, key, async () => {
    const folder = await mkdtemp(join(deps.spoolFolder, 'gguf-'));
    try {
      await writeGgufFolder(file, folder);
      const kept = await putFolder(cache.store, folder);
      const { outputs } = await readCheckpoint(context, caller, kept).catch((error: unknown) => {
        throw namingFolder(error, kept, path);
      });
      return { outputs, summary: { gguf: describeGguf(file) } };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

async function importFolder(context: ComputeContext, { policy }: Recipe, caller: Caller) {
  const { deps, cache } = context;
  const path = 'checkpoint' in policy ? policy.checkpoint : policy.config;
  const folder = await putFolder(cache.store, path, await checkpointFiles(path));
  const config = 'checkpoint' in policy ? {} : { initSeed: policy.initSeed };
  return durable(deps, activity, { inputs: { folder }, config }, async () => {
    try {
      return 'checkpoint' in policy
        ? await readCheckpoint(context, caller, folder)
        : await initialized(context, caller, folder, policy.initSeed);
    } catch (error) {
      throw namingFolder(error, folder, path);
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

/** Replaces the stored copy in the error's `where`, which the engine read, by the user's folder. */
function namingFolder(error: unknown, kept: ArtifactRef, path: string): unknown {
  if (!(error instanceof MtrlError)) return error;
  const { where } = error.details;
  if (where?.startsWith(kept.uri) !== true) return error;
  return new MtrlError(error.code, error.message, {
    ...error.details,
    where: `${path}${where.slice(kept.uri.length)}`,
  });
}

/**
 * The files of a checkpoint: weights, configuration, tokenizer, templates. Others, such as model cards, are left out.
 */
async function checkpointFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new MtrlError('FILE_MISSING', 'the checkpoint folder cannot be read', { where: folder, cause });
  });
  return entries
    .filter((entry) => !entry.isDirectory() && checkpointFile.test(entry.name) && entry.name !== 'provenance.json')
    .map((entry) => entry.name);
}

const checkpointFile = /\.(safetensors|json|jinja|txt|model)$/;

async function untouched(cache: JsonCache, checkpoint: ArtifactRef, previous: ArtifactRef | null) {
  const snapshot: Snapshot = { schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous };
  return { snapshot: await cache.put(snapshot), checkpoint };
}
