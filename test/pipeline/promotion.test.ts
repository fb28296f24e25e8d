import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EvaluatedRun, EvaluateResult } from '../../contract/activities.ts';
import { askedOfTask } from '../../pipeline/promotion/asked-of-task.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { createControlActivities } from '../../activities/control.ts';
import { putExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import type { FindCandidateResult, GateInput, PromotedVersion } from '../../contract/retraining.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { judgedEvaluation } from '../support/judged-evaluation.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { planOf, refTo } from '../workflows/made-up-activities.ts';

let root: string;
let store: ArtifactStore;
let control: ReturnType<typeof createControlActivities>;
const environment = new MockActivityEnvironment({}, { logger: silentLogger });

function runActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return environment.run<[I], R, (input: I) => Promise<R>>(activity, input);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-promotion-'));
  store = new ArtifactStore(new FolderObjectStore(root));
  control = createControlActivities({ store, codeVersion: () => 'code 1', log: pino({ level: 'silent' }) });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
const promoting: RecipeInput = {
  ...tiny,
  promotion: { name: 'taste', arm: 'mt-rl', gate: { minimums: [{ task: 'safety', atLeast: 0.9 }] } },
};

/** A completed experiment whose only run is correct on `rightCount` of the six examples of safety. */
async function finished(experimentId: string, rightCount: number, recipe: RecipeInput = promoting) {
  const prepared = await runActivity(control.prepare, { recipe });
  const ingestion = await runActivity(control.ingest, { recipe: prepared.recipe });
  const evaluation = await judgedEvaluation(store, ingestion.dataset, rightCount);
  const run: EvaluatedRun = {
    ...{ plan: planOf({ arm: 'mt-rl', objective: 'grpo' }), checkpoint: refTo(`checkpoint of ${experimentId}`) },
    ...{ policy: { snapshot: refTo(`snapshot of ${experimentId}`), log: [] }, wallMs: 1, computeMs: 1, stages: [] },
    evaluations: [evaluation],
  };
  const cache = { hits: 0, misses: 1 };
  const written = {
    schema: 1 as const,
    experimentId,
    recipe: prepared.recipe,
    report: refTo('report'),
    cache,
    wallMs: 1,
  };
  await putExperimentIndex(store, { ...written, ingestion, runs: [run] });
  return runActivity(control.findCandidate, { experimentId, name: 'taste', arm: 'mt-rl' });
}

const summaryFields = [
  ...['task', 'split', 'ood', 'exampleCount', 'macroF1', 'ci95', 'accuracy', 'majorityMacroF1'],
  ...['unparsableRate', 'truncatedRate'],
];

const judgedTask = ({ judgments, scores: { task, split } }: EvaluateResult) => ({ task, split, judgments });

const gated = (candidate: FindCandidateResult, rest: Partial<GateInput> = {}) => {
  const { recipe, dataset, run } = candidate;
  return runActivity(control.gate, { recipe, dataset, candidate: run, ...rest });
};

function promotionOf({ run, experimentId, recipe, dataset, dataDigest }: FindCandidateResult) {
  const { policy, checkpoint, evaluations, plan } = run;
  return {
    ...{ policy, checkpoint, evaluations, mode: plan.mode, runName: plan.runName },
    ...{ experimentId, recipe, dataset, dataDigest },
  };
}

const promoted = async (candidate: FindCandidateResult, revision: number): Promise<PromotedVersion> =>
  (await runActivity(control.promote, { name: 'taste', revision, candidate: promotionOf(candidate) })).promoted;

describe('the gate', () => {
  it('measures recorded judgments, stores its result, and returns it again', async () => {
    const good = await finished('good', 6);
    const found = await gated(good);
    expect(found).toMatchObject({ passed: true, checks: [{ value: 1, limit: 0.9 }, { value: 0 }] });
    expect(await store.getJson(found.gate)).toMatchObject({ passed: true, checks: found.checks, against: null });
    expect(await gated(good)).toEqual(found);
    const poor = await gated(await finished('poor', 3));
    expect(poor).toMatchObject({ passed: false, checks: [{ value: 0.5, passed: false }, { passed: true }] });
  });

  it('compares with the promoted version on both datasets, and throws if an evaluation is missing', async () => {
    const first = await finished('old', 6);
    const { name, version, recipe, dataset } = await promoted(first, 0);
    const worse = await finished('worse', 4);
    const [theirs, ours] = [first, worse].map(({ run }) => run.evaluations.map(judgedTask));
    const old = { name, version, recipe, dataset, judged: theirs ?? [] };
    const both = { promoted: old, promotedOnNewData: theirs ?? [], candidateOnOldData: ours ?? [] };
    const regressions = async (input: Partial<GateInput>) =>
      (await gated(worse, input)).checks.filter(({ rule }) => rule.startsWith('Macro-F1'));
    expect((await regressions(both)).map(({ rule, passed }) => [rule.includes('data of taste@1'), passed])).toEqual([
      [false, false],
      [true, false],
    ]);
    const same = { promoted: { ...old, judged: ours ?? [] }, promotedOnNewData: ours ?? [] };
    expect(await regressions({ ...both, ...same })).toMatchObject([{ value: 0 }, { value: 0 }]);
    const { promotedOnNewData, candidateOnOldData } = both;
    for (const absent of [{ promotedOnNewData }, { candidateOnOldData }])
      await expect(gated(worse, { promoted: old, ...absent })).rejects.toMatchObject({
        ...{ type: 'EVALUATION_MISSING', nonRetryable: true },
      });
  });
});

describe('what the gate of a promoted version asked of a task', () => {
  const specOf = (recipe: RecipeInput) => required(parseRecipe(recipe).tasks['safety'], 'safety');

  it('is read from the gate that is stored with the version, with the value that it found', async () => {
    const candidate = await finished('first', 6);
    const { gate } = await gated(candidate);
    const request = { name: 'taste', revision: 0, candidate: { ...promotionOf(candidate), gate } };
    const { promoted: version } = await runActivity(control.promote, request);
    const cache = new JsonCache(store);
    expect(await askedOfTask(cache, version, 'safety', specOf(promoting))).toEqual({
      minimums: [{ task: 'safety', metric: 'macroF1', atLeast: 0.9, atPromotion: 1 }],
      unparsableRateMax: 0.05,
    });
    const refused = (asked: Promise<unknown>, found: string) =>
      expect(asked).rejects.toMatchObject({
        code: 'USAGE',
        details: { found: expect.stringContaining(found) as string },
      });
    const turned = { ...specOf(promoting), labels: ['no', 'yes'] as [string, string] };
    await refused(askedOfTask(cache, version, 'safety', turned), 'labels no, yes');
    await refused(askedOfTask(cache, version, 'beauty', turned), 'beauty');
  });

  it('is nothing to hold a sample against, where it asked no minimum or was not kept', async () => {
    const candidate = await finished('plain', 6, tiny);
    const { gate } = await gated(candidate);
    const request = { name: 'taste', revision: 0, candidate: { ...promotionOf(candidate), gate } };
    const { promoted: version } = await runActivity(control.promote, request);
    const { gate: _, ...ungated } = version;
    const asked = (of: PromotedVersion) => askedOfTask(new JsonCache(store), of, 'safety', specOf(tiny));
    await expect(asked(version)).rejects.toMatchObject({ code: 'USAGE', details: { found: 'no minimums' } });
    await expect(asked(ungated)).rejects.toMatchObject({ code: 'EVALUATION_MISSING' });
  });
});

describe('a candidate', () => {
  it('and a version carry only a summary of their scores, the only part that grows with the tasks', async () => {
    const candidate = await finished('many', 6);
    const version = await promoted(candidate, 0);
    const { promoted: found } = await runActivity(control.findPromoted, { name: 'taste' });
    for (const { evaluations } of [candidate.run, version, required(found, 'the version')])
      expect(evaluations.map(({ scores }) => Object.keys(scores))).toEqual([summaryFields]);
  });

  it('is chosen by the recipe’s promotion, with the digest of its data', async () => {
    await finished('night', 6);
    const candidate = await runActivity(control.findCandidate, { experimentId: 'night' });
    expect(candidate).toMatchObject({ name: 'taste', run: { plan: { arm: 'mt-rl' } }, approval: { required: false } });
    const { dataDigest } = await runActivity(control.inspectData, { recipe: promoting });
    expect(candidate.dataDigest).toBe(dataDigest);
  });

  it('is refused without a name, and if the request or the experiment is invalid', async () => {
    await finished('plain', 6, tiny);
    const refused = (input: object) => runActivity(control.findCandidate, { experimentId: 'plain', ...input });
    await expect(refused({ arm: 'mt-rl' })).rejects.toMatchObject({ type: 'USAGE', nonRetryable: true });
    await expect(refused({ name: 'taste' })).rejects.toMatchObject({ type: 'USAGE' });
    await expect(refused({ name: 'taste', arm: 'base' })).rejects.toMatchObject({ type: 'NOT_FOUND' });
    await expect(refused({ nmae: 'taste' })).rejects.toMatchObject({ type: 'USAGE' });
    await expect(refused({ experimentId: 'nobody' })).rejects.toMatchObject({ type: 'NOT_FOUND' });
  });

  it('that is promoted twice is one version; one that was gated against an older state is a conflict', async () => {
    const [first, second] = [await finished('first', 6), await finished('second', 6)];
    const one = await promoted(first, 0);
    expect(await promoted(first, 0)).toEqual(one);
    await expect(promoted(second, 0)).rejects.toMatchObject({ type: 'PROMOTION_CONFLICT', nonRetryable: true });
    expect(await promoted(second, 1)).toMatchObject({ version: 2, name: 'taste', experimentId: 'second' });
    const back = { name: 'taste', revision: 2, by: 'ann' };
    const rolledBack = await runActivity(control.rollBack, back);
    expect(rolledBack).toMatchObject({ from: { version: 2 }, promoted: one, revision: 3 });
    // The retry of an attempt whose answer was lost rolls back nothing more.
    expect(await runActivity(control.rollBack, back)).toEqual(rolledBack);
    expect(await runActivity(control.findPromoted, { name: 'taste' })).toEqual({ promoted: one, revision: 3 });
  });
});
