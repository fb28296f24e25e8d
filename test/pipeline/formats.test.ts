/** Documents of a later version are refused with what to do about it, by each of their readers: none is misread. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { readHeader } from '../../artifacts/archive/archive.ts';
import { asJson, jsonBytes } from '../../artifacts/codecs/json-value.ts';
import { collectGarbage } from '../../artifacts/collection/garbage.ts';
import { experimentKey } from '../../artifacts/experiments.ts';
import { type Format, inFormat } from '../../artifacts/format.ts';
import { memoize, readManifest } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { readName } from '../../artifacts/registry.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { readFolderManifest } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { required } from '../../core/assert.ts';
import { digestOf } from '../../core/json.ts';
import { baselinesFormat } from '../../pipeline/asking/baselines-format.ts';
import { calibrationIn } from '../../pipeline/asking/calibration.ts';
import { judgedRowsFormat, judgmentsFormat } from '../../pipeline/asking/judgments-artifact.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { plannedStep } from '../../pipeline/data/mixture-plan.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { requireKnownRecipe } from '../../pipeline/known-recipe.ts';
import { endpointPolicyFormat } from '../../pipeline/policies/endpoint-policy.ts';
import { readRecords, snapshotsOf } from '../../pipeline/policies/run-log.ts';
import { gateFormat } from '../../pipeline/promotion/asked-of-task.ts';
import { promotedFormat } from '../../pipeline/promotion/promoted-format.ts';
import { findExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { rewardedRollouts } from '../../pipeline/training/rollout-artifact.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { Tokens } from '../../serve/tokens.ts';
import { labelsOf } from '../../studio/labels/label-store.ts';
import { expectNone } from '../support/expect-none.ts';
import { projectFiles, textOf } from '../support/source-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-formats-'));
const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
const cache = new JsonCache(store);
const { objects } = store;
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const says = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const later = { schema: 9 };
const sealed = (fields: Readonly<Record<string, unknown>>) =>
  jsonBytes({ ...fields, digest: digestOf(asJson(fields)) });
const artifact = (): Promise<ArtifactRef> => store.putJson(later);
const read = async <T>(format: Format<T>): Promise<T> => cache.getDocument(await artifact(), format);

let serial = 0;
/** A manifest that a later version wrote over that of this one. */
async function laterManifest(): Promise<string> {
  const work = { activity: 'mix', codeVersion: '1', inputs: {}, config: { serial: serial++ }, environment: {} };
  const { manifest, ref } = await memoize(store, work, () =>
    Promise.resolve({ outputs: {}, summary: {}, computeMs: 1 }),
  );
  const { digest: _, ...rest } = manifest;
  const key = objects.keyOf(ref.uri);
  await objects.put(key, sealed({ ...rest, ...later }));
  return key;
}

const readers: Readonly<Record<string, () => Promise<unknown>>> = {
  dataset: async () => openDataset(cache, await artifact()),
  'mixture plan': async () => plannedStep(cache, await artifact(), 0),
  snapshot: async () => snapshotsOf(cache, { snapshot: await artifact(), log: [] }),
  'step record': async () => readRecords(cache, [await artifact()]),
  rollouts: async () => {
    const rewards = await store.putJson({ schema: 1, step: 0, prompts: [] });
    return rewardedRollouts(store, { rewards, rollouts: [await artifact()] });
  },
  rewards: async () => rewardedRollouts(store, { rewards: await artifact(), rollouts: [] }),
  judgments: () => read(judgmentsFormat),
  'judged rows': () => read(judgedRowsFormat),
  'policy of an endpoint': () => read(endpointPolicyFormat),
  gate: () => read(gateFormat),
  'promoted version': () => read(promotedFormat),
  baselines: () => read(baselinesFormat),
  folder: async () => readFolderManifest(store, await artifact()),
  calibration: () => Promise.resolve().then(() => calibrationIn({ ...later, policy: {}, tasks: {} }, 'FILE')),
  manifest: async () => readManifest(store, await laterManifest()),
  'collection of manifests': async () => {
    await laterManifest();
    const all = { dryRun: false, forgotten: new Set<string>(), runningRoots: () => Readable.from([]) };
    return collectGarbage(store, { ...all, youngSinceMs: () => Promise.resolve(0) });
  },
  'archive header': () =>
    Promise.resolve().then(() => readHeader(sealed({ ...later, experimentId: 'one' }), 'one.tar')),
  'experiment document': async () => {
    await objects.put(experimentKey('one'), jsonBytes({ ...later, experimentId: 'one' }));
    return findExperimentIndex(store, 'one');
  },
  'promoted name': async () => {
    await objects.put('promotions/nightly.json', sealed({ ...later, name: 'nightly' }));
    return readName(store, 'nightly');
  },
  label: async () => {
    await objects.put('labels/one/safety/000000001-ann.json', jsonBytes(later));
    return labelsOf(store, 'one', 'safety');
  },
  'bearer token': async () => {
    const tokens = new Tokens(join(folder, 'tokens'));
    await tokens.add('one', '2026-01-01T00:00:00Z');
    expect(await tokens.list()).toHaveLength(1);
    const file = join(folder, 'tokens', required((await readdir(join(folder, 'tokens')))[0], 'a token'));
    await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...later }));
    return tokens.list();
  },
};

describe('a document of a later version', () => {
  it.each(Object.entries(readers))('is refused by the reader: %s', async (_what, reader) => {
    await expect(reader()).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      details: { found: says(/^schema 9; this version reads schema \d$/), hint: says(/later one$/) },
    });
  });

  it('counts as whole when it is verified, so that no repair deletes it', async () => {
    const ref = { uri: objects.uriOf(await laterManifest()), sha256: '', byteLength: 0 };
    expect(await verifyArtifacts(store, [ref])).toMatchObject({ artifactCount: 1, problems: [] });
  });
});

it('a document of an earlier version, or one that does not say its schema, is refused with how to make it again', () => {
  const format: Format<{ readonly schema: 2 }> = { what: 'the dataset', schema: 2, again: 'ingest it again' };
  const refusal = (value: unknown): unknown => {
    try {
      return inFormat(format, value, 'here');
    } catch (error) {
      return error;
    }
  };
  expect(refusal({ schema: 1 })).toMatchObject({ details: { found: says(/^schema 1;/), hint: 'ingest it again' } });
  for (const value of [{}, [], null, 'text'])
    expect(refusal(value)).toMatchObject({ code: 'FORMAT_UNSUPPORTED', details: { found: says(/^schema none;/) } });
  expect(refusal({ schema: 2 })).toEqual({ schema: 2 });
  expect(inFormat(promotedFormat, { name: 'of before there were schemas' }, 'here')).toBeDefined();
});

describe('a stored recipe', () => {
  const { parsed } = loadRecipeFile('recipes/demo.yaml', []);

  it.each([
    ['a field', { ...parsed, ensembles: 3 }, 'ensembles'],
    [
      'a field of an arm',
      { ...parsed, arms: { ...parsed.arms, 'mt-rl': { ...parsed.arms['mt-rl'], critic: 1 } } },
      'arms.mt-rl.critic',
    ],
  ])('with %s that this version does not know is refused to its activities', async (_what, recipe, path) => {
    await expect(requireKnownRecipe(store, { recipe: await store.putJson(recipe) })).rejects.toMatchObject({
      ...{ code: 'FORMAT_UNSUPPORTED', details: { found: path } },
    });
  });

  it('of this version is known, and an activity without one passes', async () => {
    const input = { recipe: await store.putJson(parsed) };
    await requireKnownRecipe(store, input);
    await requireKnownRecipe(store, { recipe: parsed });
    await requireKnownRecipe(store, undefined);
  });
});

it('every stored type with a schema has a format, with which it is read', () => {
  const wrong = projectFiles()
    .filter((path) => /^(artifacts|pipeline|studio|serve|cli|contract)\/.*\.ts$/.test(path))
    .flatMap((path) => {
      const text = textOf(path);
      const types = [...text.matchAll(/interface (\w+)[^{]*\{\n(?: {2}\/\*\*[^]*?\*\/\n)? {2}readonly schema: \d/g)];
      const unread = types.flatMap(([, name = '']) => (text.includes(`Format<${name}`) ? [] : [name]));
      const casts = [
        ...text.matchAll(/\.(?:get|getJson)\([^;]*?\)\) as ((?:StepRecord|Snapshot|ExperimentIndex|MixturePlan)\b)/g),
      ];
      return [...unread, ...casts.map(([cast]) => cast)].map((each) => `${path}: ${each}`);
    });
  expectNone(wrong);
});
