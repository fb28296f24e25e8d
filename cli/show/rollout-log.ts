/** Reads the rollouts of a run from its log: snapshot -> step records -> rollout shards and rewards. */
import { type StoredExample, datasetFormat } from '../../pipeline/data/dataset-artifact.ts';
import { shownExample } from '../../pipeline/data/shown-example.ts';
import { type JudgedRollout, type PromptRewards, rewardedRollouts } from '../../pipeline/training/rollout-artifact.ts';
import { snapshotOfCheckpoint } from '../../pipeline/policies/snapshot-of-checkpoint.ts';
import { snapshotFormat } from '../../pipeline/policies/snapshot-artifact.ts';
import { type RlUpdate, rolloutUpdates, stepRecordFormat } from '../../pipeline/policies/step-record.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { rowsAt } from '../../artifacts/codecs/row-table.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import type { Example } from '../../judge/example.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import type { MadeRun } from './made.ts';

export interface ShownPrompt {
  readonly runName: string;
  readonly step: number;
  readonly task: string;
  readonly exampleId: string;
  readonly label: string;
  /** Prompt as the judge read it, with `<image>` in place of each image. */
  readonly prompt: string;
  /** sha256 of each image. */
  readonly images: readonly string[];
  readonly rollouts: readonly (JudgedRollout & {
    readonly text: string;
    readonly finishReason: 'stop' | 'length';
    readonly tokenCount: number;
  })[];
}

/** RL updates in the log of a run's stored states, in order of step. */
export async function loggedSteps(store: ArtifactStore, run: MadeRun): Promise<readonly RlUpdate[]> {
  const refs = await loggedRecords(store, run);
  return rolloutUpdates(await Promise.all(refs.map((ref) => store.getDocument(ref, stepRecordFormat))));
}

/** The step records in the log of a run's stored states, in order. */
export async function loggedRecords(
  store: ArtifactStore,
  run: Pick<MadeRun, 'checkpoint' | 'policy' | 'lastPolicy'>,
): Promise<readonly ArtifactRef[]> {
  const last = run.lastPolicy ?? run.policy;
  const snapshot = last?.snapshot ?? (await snapshotOfCheckpoint(store, run.checkpoint));
  const refs: ArtifactRef[] = [...(last?.log ?? [])];
  for (let next: ArtifactRef | null = snapshot ?? null; next !== null;) {
    const { records, previous } = await store.getDocument(next, snapshotFormat);
    refs.unshift(...records);
    next = previous;
  }
  return refs;
}

export async function promptsOfStep(
  store: ArtifactStore,
  runName: string,
  update: RlUpdate,
): Promise<readonly ShownPrompt[]> {
  const { rewards, shards } = await rewardedRollouts(store, update);
  const { prompts } = rewards;
  const sampled = shards.flatMap((shard) => shard.prompts);
  const examples = await trainingExamples(
    store,
    update.dataset,
    prompts.map(({ exampleIndex }) => exampleIndex),
  );
  return prompts.map((judged, i) => {
    const stored = required(examples[i], `example ${judged.exampleId}`);
    const spec = required(update.prompting.tasks[judged.task], `task ${judged.task}`);
    const example = shownExample(stored, judged, spec);
    const { rollouts } = required(sampled[i], `rollouts of ${judged.exampleId}`);
    const { task, label } = judged;
    const exampleId = example.id;
    const shown = judged.rollouts.map((each, j) => {
      const { text, finishReason, tokenIds } = required(rollouts[j], `rollout ${String(j)} of ${exampleId}`);
      return { ...each, text, finishReason, tokenCount: tokenIds.length };
    });
    return {
      runName,
      step: update.step,
      task,
      exampleId,
      label,
      prompt: promptText(update, judged, example),
      images: example.images,
      rollouts: shown,
    };
  });
}

/** One example per row. Rollouts are sampled from the training split. */
async function trainingExamples(
  store: ArtifactStore,
  ref: ArtifactRef,
  rows: readonly number[],
): Promise<readonly Example[]> {
  const { examples } = await store.getDocument(ref, datasetFormat);
  const stored = await rowsAt<StoredExample>(store, examples, rows);
  return stored.map((example) => ({ ...example, split: 'train' }));
}

function promptText({ prompting, mode }: RlUpdate, { task }: PromptRewards, example: Example): string {
  const messages = renderPrompt(required(prompting.tasks[task], `task ${task}`), example, mode, prompting.modeWords);
  return messages
    .flatMap(({ content }) => content.map((part) => (part.type === 'image' ? '<image>' : part.text)))
    .join(' ');
}
