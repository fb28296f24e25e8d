/**
 * The life of an experiment, from its recipe to the collection of its garbage, as a series of protocols that write to
 * the store. Each is made once undisturbed, from the state that the one before it has left.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { entriesOf } from '../../artifacts/archive/archive.ts';
import { writeArchiveFolder } from '../../artifacts/archive/archive-folder.ts';
import { readTar, writeTar } from '../../artifacts/archive/archive-tar.ts';
import { importArchive } from '../../artifacts/archive/import.ts';
import { jsonBytes } from '../../artifacts/codecs/json-value.ts';
import { collectGarbage } from '../../artifacts/collection/garbage.ts';
import { experimentKey } from '../../artifacts/experiments.ts';
import { removeDamaged } from '../../artifacts/repair.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import type { PolicyState, RunRef } from '../../contract/activities.ts';
import { required } from '../../core/assert.ts';
import { sha256 } from '../../core/json.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { putLabel } from '../../studio/labels/label-store.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { type Attempt, startAttempt } from './attempt.ts';
import type { Failpoint } from './failing-store.ts';
import { MemoryObjectStore } from './memory-object-store.ts';

interface Traits {
  /** Absent: all. */
  readonly failpoints?: readonly Failpoint[];
  /** It writes to a disk between its reads. */
  readonly readsToWrite?: true;
  /** It writes manifests before what they name. */
  readonly manifestsFirst?: true;
}

export interface Protocol extends Traits {
  readonly name: string;
  readonly attempt: (attempt: Attempt) => Promise<unknown>;
  /** The store before it, and after an undisturbed attempt. */
  readonly before: MemoryObjectStore;
  readonly after: MemoryObjectStore;
  /** What that answers. */
  readonly answer: unknown;
}

const id = 'one';
const smallId = 'small';

function recipeOf(): RecipeInput {
  const { policy, tasks, evaluation } = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const world = { reader: 'judge-world' as const, tasks: ['safety'], exampleCount: 2 };
  const steps = { stepCount: 1, promptCountPerStep: 2, groupSize: 2, rolloutShardCount: 1, tokenCountMax: 8 };
  return {
    ...{ name: 'journey', policy, tasks: { safety: required(tasks['safety'], 'the task') } },
    datasets: [
      { ...world, split: 'train', seed: 1 },
      { ...world, split: 'test', seed: 2 },
    ],
    arms: {
      'mt-rl': {
        ...{ objective: 'rl', mode: 'direct', ...steps, snapshotEveryStepCount: 1 },
        optimizer: { learningRate: 1e-4 },
      },
    },
    evaluation: { ...evaluation, bootstrapResampleCount: 2 },
    promotion: { name: 'taste', arm: 'mt-rl' },
  };
}

/** @param disk folder for what the protocols write beside the store */
export async function journey(disk: string): Promise<readonly Protocol[]> {
  const protocols: Protocol[] = [];
  let objects = new MemoryObjectStore();
  const protocol = async <T>(
    name: string,
    attempt: (attempt: Attempt) => Promise<T>,
    traits: Traits = {},
  ): Promise<T> => {
    const before = objects.copy();
    const folder = join(disk, name);
    await mkdir(folder, { recursive: true });
    const answer = await attempt(await startAttempt(objects, folder));
    protocols.push({ name, attempt, before, after: objects.copy(), answer, ...traits });
    return answer;
  };

  const { recipe, runs } = await protocol('prepare', ({ control, run }) =>
    run(control.prepare, { recipe: recipeOf() }),
  );
  const ingestion = await protocol('ingest', ({ control, run }) => run(control.ingest, { recipe }));
  const { policy: initial } = await protocol('import a policy', ({ compute, run }) =>
    run(compute.importPolicy, { recipe }),
  );
  const { dataset } = await protocol('admit', ({ compute, run }) =>
    run(compute.admit, { recipe, dataset: ingestion.dataset, policy: initial, asked: { by: 'arms' } }),
  );
  const ref: RunRef = { recipe, dataset, arm: 'mt-rl', seed: 0 };
  const { plan: mixture } = await protocol('mix', ({ control, run }) => run(control.mix, ref));
  const { update } = await protocol('step', ({ compute, run }) =>
    run(compute.step, { ...ref, plan: mixture, step: 0, policy: initial }),
  );
  const end: PolicyState = { ...initial, log: [update.record] };
  const { snapshot, checkpoint } = await protocol('snapshot', ({ compute, run }) =>
    run(compute.snapshot, { policy: end, step: 1 }),
  );
  const policy = { snapshot, log: [] };
  const keepRun: Protocol['attempt'] = ({ compute, run }) =>
    run(compute.keepRun, { ...ref, initial, outcome: { checkpoint, policy, mixture } });
  await protocol('keep a run', keepRun);
  const evaluate = ({ compute, run }: Attempt) =>
    run(compute.evaluate, { ...ref, policy, task: 'safety', split: 'test', mode: 'direct' });
  const evaluation = await protocol('evaluate', evaluate);
  const plan = required(
    runs.find(({ arm }) => arm === 'mt-rl'),
    'the run of mt-rl',
  );
  const { evaluated } = await protocol('keep evaluations', ({ control, run }) =>
    run(control.keepEvaluations, {
      run: { plan, checkpoint, policy, wallMs: 1, computeMs: 1, stages: [], mixture },
      evaluations: [evaluation],
    }),
  );
  await protocol('report', ({ control, run }) =>
    run(control.report, {
      ...{ experimentId: id, recipe, ingestion: { ...ingestion, dataset }, runs: [evaluated] },
      ...{ cache: { hits: 0, misses: 1 }, wallMs: 1 },
    }),
  );

  await protocol('promote', promotion(0));
  await protocol('roll back', ({ control, run }) => run(control.rollBack, { name: 'taste', revision: 1, by: 'ann' }));
  await protocol('promote again', promotion(2));
  for (const label of ['yes', 'no'])
    await protocol(`label ${label}`, ({ store }) =>
      putLabel(store, {
        ...{ schema: 1, experimentId: id, task: 'safety', exampleIndex: 0, exampleId: 'first', dataset },
        ...{ label, by: 'ann', at: new Date().toISOString(), order: 'random' },
      }),
    );

  await objects.put(experimentKey(smallId), jsonBytes({ experimentId: smallId, mixture }));
  const exportTo = (name: string, write: (path: string, entries: ReturnType<typeof entriesOf>) => Promise<void>) =>
    protocol(
      `export to ${name}`,
      async ({ store, disk: own }) => {
        const path = join(own, name);
        // Who repeats an export that has ended has it already.
        if (!existsSync(path)) await write(path, entriesOf(store, smallId));
        return digestsOf(path);
      },
      { failpoints: ['killed'], readsToWrite: true },
    );
  await exportTo('a folder', writeArchiveFolder);
  await exportTo('a.tar', writeTar);
  const tar = join(disk, 'export to a.tar', 'a.tar');
  const whole = objects;
  objects = new MemoryObjectStore();
  await protocol('import', ({ store }) => importArchive(store, readTar(tar), tar), { manifestsFirst: true });
  objects = whole;

  await objects.put(objects.keyOf(evaluation.judgments.uri), new Uint8Array(3));
  await protocol('repair', async (attempt) => {
    const { problems } = await verifyArtifacts(attempt.store, [evaluated]);
    await removeDamaged(attempt.store, [evaluated], problems);
    await keepRun(attempt);
    return evaluate(attempt);
  });

  await objects.remove([experimentKey(id), experimentKey(smallId), 'promotions/taste.json']);
  objects.makeOld();
  await protocol(
    'collect garbage',
    async ({ store }) => {
      await collectGarbage(store, {
        ...{ dryRun: false, forgotten: new Set<string>(), runningRoots: () => Readable.from([]) },
        youngSinceMs: () => Promise.resolve(1),
      });
    },
    // It writes nothing under a condition.
    { failpoints: ['killed', 'answer lost', 'overtaken'] },
  );
  return protocols;
}

/** @param revision that of the name when the decision was made: a workflow has it in its history */
function promotion(revision: number): Protocol['attempt'] {
  return async ({ control, run }) => {
    const found = await run(control.findCandidate, { experimentId: id });
    const { name, experimentId, dataDigest, recipe, dataset } = found;
    const { gate } = await run(control.gate, { recipe, dataset, candidate: found.run });
    const { policy, checkpoint, evaluations, plan } = found.run;
    const of = { policy, checkpoint, evaluations, mode: plan.mode, runName: plan.runName, gate };
    const candidate = { ...of, experimentId, recipe, dataset, dataDigest };
    return run(control.promote, { name, revision, candidate });
  };
}

/** The digests of the files in a folder, or of a file. */
async function digestsOf(path: string): Promise<Record<string, string>> {
  const isFile = (await stat(path)).isFile();
  const entries = isFile ? [] : await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digested = (isFile ? [path] : files.sort()).map(
    async (file) => [file.slice(path.length), sha256(await readFile(file))] as const,
  );
  return Object.fromEntries(await Promise.all(digested));
}
