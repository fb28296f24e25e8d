/**
 * A small experiment made by the real activities over a store, without Temporal: the demo's judge, untrained and
 * trained by two algorithms with two seeds each. Some rows are quarantined, and one picture leaks.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ArmPlan, EvaluationPlan, PolicyState, RunSummary } from '../../contract/activities.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { projectRoot } from '../../core/project.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { realActivities } from '../support/real-activities.ts';

/** Text of a row that a page must show as text. */
export const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

export interface Sizes {
  readonly stepCount: number;
  readonly promptCountPerStep: number;
  readonly groupSize: number;
  readonly testCount: number;
}

export const smallSizes: Sizes = { stepCount: 3, promptCountPerStep: 4, groupSize: 4, testCount: 12 };

function recipeOf(folder: string, { stepCount, promptCountPerStep, groupSize, testCount }: Sizes): RecipeInput {
  const pointwise = { kind: 'pointwise' as const, labels: ['yes', 'no'] as [string, string] };
  const rl = {
    ...{ objective: 'rl' as const, mode: 'think' as const, stepCount, promptCountPerStep, groupSize },
    ...{ tokenCountMax: 20, snapshotEveryStepCount: stepCount, rolloutShardCount: 2 },
    optimizer: { learningRate: 3e-4, warmupStepCount: 2 },
  };
  const rows = { reader: 'jsonl' as const, task: 'safety', imageFolder: folder };
  return {
    ...{ name: 'studio', summary: 'two algorithms on two tasks, and a format that neither has seen' },
    seeds: [0, 1],
    policy: { checkpoint: join(projectRoot, 'recipes', 'demo-base') },
    tasks: {
      safety: { ...pointwise, prompt: 'image <image> is it safe ? {{ mode_word }}', slices: ['origin'] },
      technical: { ...pointwise, prompt: 'image <image> is the picture sharp ? {{ mode_word }}' },
      'pair-alignment': {
        kind: 'pairwise',
        labels: ['first', 'second'],
        prompt: 'image first <image> image second <image> which fits the caption : {{ caption }} ? {{ mode_word }}',
        ood: true,
      },
    },
    datasets: [
      { reader: 'judge-world', tasks: ['technical', 'safety'], split: 'train', exampleCount: 12, seed: 1 },
      {
        ...{ reader: 'judge-world', tasks: ['technical', 'safety', 'pair-alignment'], split: 'test' },
        ...{ exampleCount: testCount, seed: 2 },
      },
      { ...rows, split: 'train', path: join(folder, 'train.jsonl'), fields: { images: ['image'], label: 'safe' } },
      { ...rows, split: 'test', path: join(folder, 'test.jsonl'), fields: { images: ['image'], label: 'safe' } },
    ],
    arms: {
      base: { objective: 'none', mode: 'think' },
      'mt-rl': rl,
      'dr-grpo': { ...rl, algorithm: 'dr-grpo' },
    },
    quarantineRateMax: 0.9,
    evaluation: { tokenCountMax: 48, bootstrapResampleCount: 100, probes: ['blank-image'], modes: ['forced-choice'] },
  };
}

async function writeRows(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const background of ['red', 'teal', 'gold'])
    await sharp({ create: { width: 48, height: 48, channels: 3, background } }).toFile(
      join(folder, `${background}.png`),
    );
  const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
  writeFileSync(
    join(folder, 'train.jsonl'),
    lines([
      { id: 'red', image: 'red.png', safe: 'yes' },
      { id: 'lost', image: 'lost.png', safe: 'yes' },
      { id: hostile, image: 'teal.png', safe: 'perhaps' },
    ]),
  );
  writeFileSync(
    join(folder, 'test.jsonl'),
    lines([
      { id: hostile, image: 'gold.png', safe: 'no' },
      { id: 'red-again', image: 'red.png', safe: 'yes' },
    ]),
  );
}

/** Folder for rows and what the engine spools. */
export async function makeExperiment(
  store: ArtifactStore,
  folder: string,
  { experimentId, sizes = smallSizes }: { readonly experimentId: string; readonly sizes?: Sizes },
): Promise<void> {
  const rows = join(folder, 'rows');
  await writeRows(rows);
  const { control, compute, run, close } = await realActivities(store, join(folder, 'spool'));
  try {
    const { recipe, runs, evaluations } = await run(control.prepare, { recipe: recipeOf(rows, sizes) });
    const ingestion = await run(control.ingest, { recipe });
    const { policy, checkpoint } = await run(compute.importPolicy, { recipe });
    const { dataset } = await run(compute.admit, { recipe, dataset: ingestion.dataset, policy, asked: { by: 'arms' } });
    const evaluated: ArtifactRef[] = [];
    for (const plan of runs) {
      const trained = await train(plan, policy);
      const summary: RunSummary = {
        ...{ plan, checkpoint, wallMs: 1, computeMs: 1, stages: [] },
        ...trained,
      };
      const made = [];
      for (const wanted of evaluations) made.push(await evaluate(summary, wanted));
      evaluated.push((await run(control.keepEvaluations, { run: summary, evaluations: made })).evaluated);
    }
    await run(control.report, {
      ...{ experimentId, recipe, ingestion: { ...ingestion, dataset }, runs: evaluated },
      ...{ cache: { hits: 0, misses: 1 }, wallMs: 1 },
    });

    async function train({ arm, seed, stepCount, rolloutShardCount: count }: ArmPlan, initial: PolicyState) {
      if (stepCount === 0) return { policy: initial };
      const ref = { recipe, dataset, arm, seed };
      const { plan } = await run(control.mix, ref);
      let log: readonly ArtifactRef[] = [];
      for (let step = 0; step < stepCount; step++) {
        const now = { ...initial, log };
        const rollouts: ArtifactRef[] = [];
        for (let index = 0; index < count; index++) {
          const shard = await run(compute.rollout, { ...ref, plan, step, shard: { index, count }, policy: now });
          rollouts.push(shard.rollouts);
        }
        const { rewards } = await run(control.reward, { ...ref, step, rollouts });
        const { record } = await run(compute.optimize, {
          ...{ ...ref, plan, fromStep: step, toStep: step + 1, rollouts, rewards, policy: now },
        });
        log = [...log, record];
      }
      const last = await run(compute.snapshot, { policy: { ...initial, log }, step: stepCount });
      return { policy: { snapshot: last.snapshot, log: [] }, checkpoint: last.checkpoint };
    }

    function evaluate({ plan: { arm, seed, mode }, policy: judge }: RunSummary, { task, split }: EvaluationPlan) {
      return run(compute.evaluate, { recipe, dataset, policy: judge, arm, seed, task, split, mode });
    }
  } finally {
    await close();
  }
}
