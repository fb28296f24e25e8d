/** An experiment of 100,160 rollouts with pictures for `bench -- studio`: made up, but stored as a run leaves it. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createControlActivities } from '../activities/control.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { Rng } from '../core/rng.ts';
import type { EvaluatedRun } from '../contract/activities.ts';
import type { Example } from '../judge/example.ts';
import { openDataset } from '../pipeline/data/dataset-artifact.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { putExperimentIndex } from '../pipeline/reporting/experiment-index.ts';
import { evaluated, scores } from '../test/cli/made-up.ts';
import { tinyRecipe } from '../test/end-to-end/tiny-recipe.ts';

export const shape = { stepCount: 313, promptCount: 40, groupSize: 8, tokenCount: 60 };
export const id = 'bench';
export const run = 'mt-rl/s0';

function runActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return new MockActivityEnvironment().run<[I], R, (input: I) => Promise<R>>(activity, input);
}

export async function makeExperiment(store: ArtifactStore): Promise<void> {
  const { prepare, ingest } = createControlActivities({
    ...{ store, codeVersion: () => 'code', log: pino({ enabled: false }) },
  });
  const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: shape.stepCount });
  const { recipe } = await runActivity(prepare, { recipe: tiny });
  const ingestion = await runActivity(ingest, { recipe });
  const opened = await openDataset(new JsonCache(store), ingestion.dataset);
  const rows = [...(await opened.rowsOf('safety', 'train')), ...(await opened.rowsOf('technical', 'train'))];
  const examples = await opened.examplesAt(rows);
  const log: ArtifactRef[] = [];
  for (let step = 0; step < shape.stepCount; step++)
    log.push(await recordOf(store, step, ingestion.dataset, rows, examples));
  const snapshot = await store.putJson({
    schema: 1,
    step: 0,
    checkpoint: recipe,
    optimizer: null,
    records: [],
    previous: null,
  });
  const trained: EvaluatedRun = {
    ...evaluated(
      'mt-rl',
      ['technical', 'safety'].map((task) => scores(task, 0.7)),
    ),
    ...{ checkpoint: recipe, policy: { snapshot, log } },
  };
  await putExperimentIndex(store, {
    ...{ schema: 1, experimentId: id, recipe, ingestion, runs: [trained], report: recipe, wallMs: 1 },
    cache: { hits: 0, misses: 0 },
  });
}

async function recordOf(
  store: ArtifactStore,
  step: number,
  dataset: ArtifactRef,
  rows: readonly number[],
  examples: readonly Example[],
): Promise<ArtifactRef> {
  const rng = new Rng('bench-studio', step);
  const places = Array.from({ length: shape.promptCount }, (_, i) => (step * shape.promptCount + i) % rows.length);
  const prompts = places.map((place) => {
    const { id: exampleId = '', task = '' } = examples[place] ?? {};
    return { exampleIndex: rows[place] ?? 0, exampleId, task };
  });
  const rollouts = prompts.map(() =>
    Array.from({ length: shape.groupSize }, () => {
      const words = Array.from({ length: shape.tokenCount }, () => Math.floor(rng.uniform() * 100));
      const verdict = rng.uniform() < 0.5 ? 'yes' : 'no';
      return {
        ...{ tokenIds: words, logProbs: words.map((word) => -word / 97), finishReason: 'stop' },
        ...{ verdict, text: `${words.map((word) => `word${String(word)}`).join(' ')} <answer> ${verdict} </answer>` },
      };
    }),
  );
  const shard = await store.putJson({
    ...{ schema: 1, step, shard: { index: 0, count: 1 } },
    prompts: prompts.map((prompt, i) => ({
      ...{ ...prompt, promptTokenCount: 9 },
      rollouts: (rollouts[i] ?? []).map(({ verdict: _, ...rollout }) => rollout),
    })),
  });
  const rewards = await store.putJson({
    ...{ schema: 1, step },
    prompts: prompts.map((prompt, i) => ({
      ...{ ...prompt, label: 'yes' },
      rollouts: (rollouts[i] ?? []).map(({ verdict, text }) => {
        const accuracy = Number(verdict === 'yes');
        return { judgment: { ok: true, verdict, rationale: text }, reward: { value: accuracy, accuracy, format: 1 } };
      }),
    })),
  });
  const outcome = { step, loss: 0, gradientNorm: 1, learningRate: 1e-4, tokenCount: 1, logProbDifferenceMax: 0 };
  const update = { objective: 'grpo', step, dataset, rollouts: [shard], rewards, mode: 'think', temperature: 1 };
  return store.putJson({ schema: 1, update, steps: [{ ...outcome, droppedGroupCount: 0 }], weightsDigest: 'x' });
}
