/** The report's scores and paired tests are cached: only new pairs are resampled, and a collection keeps the others. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fetchTables } from '../../cli/reports.ts';
import { createControlActivities } from '../../activities/control.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { EvaluatedRun, ReportInput } from '../../contract/activities.ts';
import * as draws from '../../judge/evaluation/arms/arm-outcomes.ts';
import * as bootstrap from '../../judge/evaluation/statistics/paired-bootstrap.ts';
import type { Snapshot } from '../../pipeline/policies/snapshot-artifact.ts';
import { requireExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { judgedEvaluation } from '../support/judged-evaluation.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { planOf, refTo } from '../workflows/made-up-activities.ts';

vi.mock(import('../../judge/evaluation/statistics/paired-bootstrap.ts'), { spy: true });
vi.mock(import('../../judge/evaluation/arms/arm-outcomes.ts'), { spy: true });

let root: string;
let store: ArtifactStore;
let control: ReturnType<typeof createControlActivities>;
const environment = new MockActivityEnvironment({}, { logger: silentLogger });

function runActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return environment.run<[I], R, (input: I) => Promise<R>>(activity, input);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-report-'));
  store = new ArtifactStore(new FolderObjectStore(root));
  control = createControlActivities({ store, codeVersion: () => 'code 1', log: pino({ level: 'silent' }) });
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('compares each pair of runs and of arms once', async () => {
  const { recipe } = await runActivity(control.prepare, { recipe: tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 }) });
  const ingestion = await runActivity(control.ingest, { recipe });
  const run = async (arm: string, rightCount: number) => {
    const checkpoint = refTo(`checkpoint of ${arm}`);
    const untrained: Snapshot = { schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous: null };
    const evaluated: EvaluatedRun = {
      ...{ plan: planOf({ arm, objective: 'none' }), checkpoint },
      ...{ policy: { snapshot: await store.putJson(untrained), log: [] }, wallMs: 1, computeMs: 1, stages: [] },
      evaluations: [await judgedEvaluation(store, ingestion.dataset, rightCount)],
    };
    return store.putJson(evaluated);
  };
  const [base, sft, rl] = await Promise.all([run('base', 2), run('sft-start', 4), run('mt-rl', 6)]);
  const report = async (experimentId: string, runs: ReportInput['runs']) => {
    const input = { experimentId, recipe, ingestion, runs, cache: { hits: 0, misses: 0 }, wallMs: 1 };
    const { report: page } = await runActivity(control.report, input);
    const { comparisons } = await requireExperimentIndex(store, experimentId);
    return { page: Buffer.from(await store.getBytes(page)).toString(), comparisons };
  };
  const resampled = vi.mocked(bootstrap.pairedBootstrap);
  const drawn = vi.mocked(draws.armDraws);

  const two = await report('two arms', [base, sft]);
  expect(resampled).toHaveBeenCalledTimes(1);
  const three = await report('three arms', [base, sft, rl]);
  expect(resampled).toHaveBeenCalledTimes(3);
  // Of the new arm for its score, and of the other two for the tests against it.
  expect(drawn).toHaveBeenCalledTimes(2 + 3);
  const again = await report('three arms', [base, sft, rl]);
  expect(resampled).toHaveBeenCalledTimes(3);
  expect(drawn).toHaveBeenCalledTimes(2 + 3);
  expect(again).toEqual(three);
  // Pairs of runs, scores of arms, pairs of arms.
  expect([two.comparisons?.length, three.comparisons?.length]).toEqual([1 + 2 + 1, 3 + 3 + 3]);
  expect(three.comparisons).toEqual(expect.arrayContaining([...(two.comparisons ?? [])]));
});

it('keeps the table of arms, with seeds together, specialists as one arm and points of sweeps apart', async () => {
  const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const arms = { ...tiny.arms, 'rl-single': { like: 'mt-rl', from: null, single: true } };
  const sweeps = { sizes: { arm: 'mt-rl', vary: { groupSize: [2, 8] } } };
  const { recipe, runs: plans } = await runActivity(control.prepare, {
    recipe: { ...tiny, arms, sweeps, seeds: [0, 1], tasks: tiny.tasks },
  });
  const ingestion = await runActivity(control.ingest, { recipe });
  const runs = await Promise.all(
    plans.map(async (plan, i) => {
      const checkpoint = refTo(`checkpoint of ${plan.runName}`);
      const untrained: Snapshot = { schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous: null };
      const evaluated: EvaluatedRun = {
        ...{ plan, checkpoint, policy: { snapshot: await store.putJson(untrained), log: [] } },
        ...{ wallMs: 1, computeMs: 1, stages: [] },
        evaluations: [await judgedEvaluation(store, ingestion.dataset, i % 7)],
      };
      return store.putJson(evaluated);
    }),
  );
  const report = async (wallMs: number) => {
    const input = { experimentId: 'seeds', recipe, ingestion, runs, cache: { hits: 0, misses: 0 }, wallMs };
    const { report: page } = await runActivity(control.report, input);
    return Buffer.from(await store.getBytes(page)).toString();
  };
  const page = await report(1);
  expect(page).toContain('sizes/group-size-8');
  const { tables } = await requireExperimentIndex(store, 'seeds');
  const folder = join(root, 'tables');
  const paths = await fetchTables({ store }, 'seeds', folder);
  expect(paths).toEqual(['csv', 'md', 'tex'].map((extension) => join(folder, `table.${extension}`)));
  const csv = await readFile(join(folder, 'table.csv'), 'utf8');
  const rows = csv.split('\n').map((line) => line.split(','));
  expect(rows.flatMap(([arm, column, , seeds]) => (column === 'safety' ? [[arm, seeds]] : []))).toEqual([
    ['base', '1'],
    ['sft-start', '2'],
    ['mt-rl', '2'],
    ['rl-single', '2'],
  ]);
  // Wall times are in the page and in no table.
  await report(2);
  expect((await requireExperimentIndex(store, 'seeds')).tables).toEqual(tables);
});
