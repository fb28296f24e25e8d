/** Garbage collection, export and import keep everything that is referenced. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { promoteVersion } from '../../artifacts/registry.ts';
import { required } from '../../core/assert.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import type { EndedExperiment } from './whole-stack.ts';
import { mtrlAt, mtrlJsonAt } from './command-line.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 2 });
const recipe: RecipeInput = { ...tiny, evaluation: { ...tiny.evaluation, tasks: ['safety'] } };
/** Another seed: the data and the start are the same, the trained policies are not. */
const other: RecipeInput = { ...recipe, seeds: [1] };

let stack: WholeStack;
let kept: EndedExperiment;
/** Digests of the policies with which the deleted experiment ended. */
let gone: readonly string[];

/** Keys of all objects in the store. */
async function keys(): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { key } of openArtifactStore(stack.settings.s3).objects.list('')) found.add(key);
  return found;
}

const mtrl = (...args: readonly string[]) => mtrlAt(stack.home, ...args);
const mtrlJson = (...args: readonly string[]) => mtrlJsonAt(stack.home, ...args);

const policiesOf = ({ runs }: EndedExperiment): string[] => runs.map(({ checkpoint }) => checkpoint.sha256);

beforeAll(async () => {
  stack = await WholeStack.start();
  await stack.startExperiment('kept', recipe);
  kept = await stack.result('kept');
});

afterAll(async () => {
  await stack.stop();
});

it('lineage leads from a judge back to its steps, data and code, by name and by address', async () => {
  const byName = await mtrlJson('lineage', 'kept:mt-rl');
  const [tree] = byName['lineage'] as { readonly uri: string; readonly madeBy: { readonly activity: string } }[];
  expect(tree?.madeBy.activity).toBe('snapshot');
  for (const activity of ['optimize', 'rollout', 'reward', 'ingest', 'importPolicy'])
    expect(JSON.stringify(tree)).toContain(`"activity":"${activity}"`);
  const byAddress = await mtrlJson('lineage', tree?.uri ?? '');
  expect(byAddress['lineage']).toMatchObject([{ madeBy: { activity: 'snapshot' } }]);
  const { code, out } = await mtrl('lineage', 'kept:mt-rl');
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^checkpoint of mt-rl\/s0 .* snapshot \(step 2\)[^]*─ [0-9]+ rows: \S+, [^]*─ 4 prompts: /),
  ]);
});

it('verify names a damaged object, and --repair has the finished experiment make it again', async () => {
  const { objects } = openArtifactStore(stack.settings.s3);
  const { checkpoint } = required(
    kept.runs.find(({ plan }) => plan.arm === 'mt-rl'),
    'a run',
  );
  const key = objects.keyOf(checkpoint.uri);
  const whole = required(await objects.get(key), key);
  await objects.put(key, whole.with(9, required(whole[9], 'a byte') ^ 1));
  for (const repair of [[], ['--repair']]) {
    const { code, out } = await mtrl('verify', 'kept', ...repair, '--json');
    expect([code, JSON.parse(out)]).toMatchObject([1, { ok: false, problems: [{ uri: checkpoint.uri }] }]);
  }
  const before = policiesOf(kept);
  kept = await stack.result('kept');
  expect(policiesOf(kept)).toEqual(before);
  // All else is found; test/pipeline/repair.test.ts counts.
  expect(kept.cache.misses).toBeLessThan(5);
  expect(await objects.get(key)).toEqual(whole);
  expect(await mtrlJson('verify', 'kept', '--repair')).toMatchObject({ ok: true, isRepaired: false });
  expect(await mtrl('verify', '--repair')).toMatchObject({ code: 2 });
});

it('imports an exported experiment into an empty store, where all commands work on it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-export-'));
  const elsewhere = await WholeStack.start();
  try {
    const tar = join(folder, 'kept.tar');
    const exported = await mtrlJson('export', 'kept', '--all', '--to', tar);
    expect(await mtrl('export', 'kept', '--all', '--to', join(folder, 'kept'))).toMatchObject({ code: 0 });
    expect(exported).toMatchObject({ experimentId: 'kept' });

    const imported = await mtrlJsonAt(elsewhere.home, 'import', tar);
    expect(imported).toMatchObject({ experimentId: 'kept', newObjectCount: imported['objectCount'] });
    expect(await mtrlJsonAt(elsewhere.home, 'import', join(folder, 'kept'))).toMatchObject({ newObjectCount: 0 });
    expect(await mtrlJsonAt(elsewhere.home, 'verify', 'kept')).toMatchObject({ ok: true });
    expect(await mtrlAt(elsewhere.home, 'report', 'kept')).toMatchObject({ code: 0 });
    for (const question of [
      ['rollouts', 'kept', '--step', '1'],
      ['lineage', 'kept:mt-rl'],
    ])
      expect(await mtrlJsonAt(elsewhere.home, ...question)).toEqual(await mtrlJson(...question));
    const recipeFile = join(folder, 'recipe.json');
    await writeFile(recipeFile, JSON.stringify(recipe));
    const evaluate = ['evaluate', '--policy', 'kept:mt-rl', '--recipe', recipeFile];
    const scores = kept.runs.find(({ plan }) => plan.arm === 'mt-rl')?.evaluations.map((each) => each.scores);
    expect(await mtrlJsonAt(elsewhere.home, ...evaluate)).toMatchObject({ tasks: scores });
    expect(await mtrlJsonAt(elsewhere.home, 'gc')).toMatchObject({ garbage: { objectCount: 0 } });
    const forked = ['fork', 'kept', '--from-step', '2', '--arm', 'mt-rl', '--id', 'forked', '--wait'];
    const [here, there] = [await mtrlJson(...forked), await mtrlJsonAt(elsewhere.home, ...forked)];
    const policies = ({ arms }: Record<string, unknown>) =>
      (arms as { readonly policy: { readonly sha256: string } }[]).map(({ policy }) => policy.sha256).sort();
    expect(policies(there)).toEqual(policies(here));
  } finally {
    await elsewhere.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

/** Waits until no lease is left: a worker's lease protects recent writes until shortly after its last activity. */
async function leasesEnd(): Promise<void> {
  const leases = async (): Promise<string[]> => [...(await keys())].filter((key) => key.startsWith('leases/'));
  await expect.poll(leases).toEqual([]);
}

it('gc deletes exactly what only the deleted experiment used; a promotion alone keeps the other experiment', async () => {
  const { runs, recipe: recipeRef, dataset } = kept;
  await promoteVersion(openArtifactStore(stack.settings.s3), 'judge', {
    ...{ revision: 0, at: '2026-01-01T00:00:00.000Z', identity: 'one' },
    content: (version) => ({ schema: 1, version, recipe: recipeRef, dataset, runs }),
  });
  for (const id of ['forked', 'kept']) expect(await mtrl('delete', id)).toMatchObject({ code: 0 });
  await leasesEnd();
  await mtrlJson('gc', '--recent-days', '0');
  const before = await keys();

  await stack.startExperiment('gone', other);
  gone = policiesOf(await stack.result('gone'));
  await leasesEnd();
  const with2 = await keys();
  expect(await mtrl('delete', 'gone')).toMatchObject({ code: 0 });
  const planned = await mtrlJson('gc', '--dry-run', '--recent-days', '0');
  const added = [...with2].filter((key) => !before.has(key) && key !== 'experiments/gone.json');
  expect(added.length).toBeGreaterThan(20);
  expect(planned).toMatchObject({ dryRun: true, garbage: { objectCount: added.length } });
  expect((await keys()).size).toBe(before.size + added.length);

  const { garbage, kinds } = await mtrlJson('gc', '--recent-days', '0');
  expect(garbage).toEqual(planned['garbage']);
  expect(kinds).toEqual(expect.arrayContaining([expect.objectContaining({ kind: 'rollout' })]));
  expect(await keys()).toEqual(before);
  expect(await mtrlJson('verify')).toMatchObject({ ok: true, problemCount: 0 });
  const missing = await mtrl('report', 'gone');
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('NOT_FOUND')]);
});

it('a run with concurrent gc ends with the same digests as without, and none of its objects is missing', async () => {
  await stack.startExperiment('beside', other);
  const run = { hasEnded: false };
  const result = stack.result('beside').finally(() => (run.hasEnded = true));
  let collections = 0;
  for (; !run.hasEnded; collections++) await mtrlJson('gc', '--recent-days', '0');
  const { cache, ...made } = await result;
  expect(collections).toBeGreaterThan(0);
  // The artifacts of `gone` were deleted, so they were computed again.
  expect(cache.misses).toBeGreaterThan(10);
  expect(policiesOf({ cache, ...made })).toEqual(gone);
  expect(await mtrlJson('verify', 'beside')).toMatchObject({ ok: true, problemCount: 0 });
});

it('gc --keep-days forgets experiments that ended earlier, and a promoted name keeps what it needs', async () => {
  expect(await mtrlJson('gc', '--dry-run', '--keep-days', '1')).toMatchObject({ forgotten: [] });
  const forgetting = ['gc', '--keep-days', '0', '--recent-days', '0'];
  const planned = await mtrlJson(...forgetting, '--dry-run');
  expect(planned).toMatchObject({ forgotten: ['beside'] });
  expect(await mtrlJson(...forgetting)).toMatchObject({ forgotten: ['beside'], garbage: planned['garbage'] });
  expect(await mtrlJson('verify')).toMatchObject({ ok: true, problemCount: 0 });
  const store = openArtifactStore(stack.settings.s3);
  for (const { checkpoint } of kept.runs) expect(await store.getJson(checkpoint)).toHaveProperty('files');
});
