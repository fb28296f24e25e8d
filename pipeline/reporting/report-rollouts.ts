/** Picks answers for the report, with their images: a few of each run, early and late, right and wrong. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import type { AnswerMode, Example, Judgment, Reward } from '../../judge/example.ts';
import type { ReportRollout } from '../../judge/report/data.ts';
import { rewardOf, rightVerdict } from '../../judge/rewards.ts';
import { imagesOfMessages, renderPrompt } from '../../judge/tasks/prompt.ts';
import { isRl } from '../../recipes/arms.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { EvaluatedRun } from '../../contract/activities.ts';
import { datasetFormat, exampleLookup, openDataset } from '../data/dataset-artifact.ts';
import { imageBytes } from '../data/image-table.ts';
import type { JsonCache } from '../json-cache.ts';
import { judgmentsFormat } from '../asking/judgments-artifact.ts';
import { taskOf } from '../recipe-access.ts';
import { rewardedRollouts } from '../training/rollout-artifact.ts';
import { shownExample } from '../data/shown-example.ts';
import { type RlUpdate, rolloutUpdates, type StepRecord } from '../policies/step-record.ts';

const promptCountPerStep = 4;
const rolloutCountPerPrompt = 2;
const answerCountPerTask = 2;

interface Scope {
  readonly cache: JsonCache;
  readonly recipe: Recipe;
  readonly dataset: ArtifactRef;
}

interface Answer {
  readonly example: Example;
  readonly mode: AnswerMode;
  readonly completion: string;
  readonly judgment: Judgment;
  readonly reward: Reward;
  readonly step?: number;
}

export async function shownRollouts(
  scope: Scope,
  run: EvaluatedRun,
  records: readonly StepRecord[],
): Promise<ReportRollout[]> {
  const shown = spread(rolloutUpdates(records), 3);
  const answers = await Promise.all([...shown.map((update) => ofStep(scope, update)), ofEvaluation(scope, run)]);
  return Promise.all(answers.flat().map((answer) => show(scope, run.plan.runName, answer)));
}

/** `count` items: the first, the last, and evenly spaced ones between them. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) =>
    required(items[Math.round((i * (items.length - 1)) / (count - 1))], 'an item'),
  );
}

async function ofStep({ cache, recipe, dataset }: Scope, update: RlUpdate): Promise<Answer[]> {
  const { rewards, shards } = await rewardedRollouts(cache, update);
  const prompts = shards.flatMap((shard) => shard.prompts);
  const both = prompts.map((prompt, i) => ({ prompt, graded: required(rewards.prompts[i], prompt.exampleId) }));
  const chosen = spread(both, promptCountPerStep);
  const exampleAt = await exampleLookup(
    await openDataset(cache, dataset),
    chosen.map(({ prompt }) => prompt.exampleIndex),
  );
  return chosen.flatMap(({ prompt, graded }) => {
    const stored = exampleAt(prompt.exampleIndex);
    const example = shownExample(stored, prompt, taskOf(recipe, stored.task));
    const answers = prompt.rollouts.map(({ text }, i): Answer => {
      const { judgment, reward } = required(graded.rollouts[i], 'a reward for every rollout');
      return { example, mode: update.mode, completion: text, judgment, reward, step: update.step };
    });
    return extremes(answers);
  });
}

/** The answers with the highest and the lowest reward: the step learns from their difference. */
function extremes(answers: readonly Answer[]): Answer[] {
  const sorted = [...answers].sort((a, b) => b.reward.value - a.reward.value);
  return spread(sorted, rolloutCountPerPrompt);
}

async function ofEvaluation({ cache, recipe, dataset }: Scope, { plan, evaluations }: EvaluatedRun): Promise<Answer[]> {
  const arm = recipe.arms[plan.arm];
  const formatWeight = isRl(arm) ? arm.formatWeight : 0;
  const opened = await openDataset(cache, dataset);
  const byTask = await Promise.all(
    evaluations.map(async ({ judgments: ref }) => {
      const { task, judgments } = await cache.getDocument(ref, judgmentsFormat);
      const spec = taskOf(recipe, task);
      const judged = judgments.map((one) => ({
        ...one,
        reward: rewardOf(one.judgment, rightVerdict(one.judgment, one, spec), formatWeight),
      }));
      const right = judged.filter(({ reward }) => reward.accuracy === 1);
      const wrong = judged.filter(({ reward }) => reward.accuracy === 0);
      const chosen = [right, wrong].flatMap((some) => some.slice(0, answerCountPerTask / 2));
      const exampleAt = await exampleLookup(
        opened,
        chosen.map(({ exampleIndex }) => exampleIndex),
      );
      return chosen.map(({ exampleIndex, text, judgment, reward, ...shown }): Answer => {
        const stored = exampleAt(exampleIndex);
        const example = shownExample(stored, shown, spec);
        return { example, mode: plan.mode, completion: text, judgment, reward };
      });
    }),
  );
  return byTask.flat();
}

async function show({ cache, recipe, dataset: ref }: Scope, runName: string, answer: Answer): Promise<ReportRollout> {
  const { example, mode, completion, judgment, reward, step } = answer;
  const dataset = await cache.getDocument(ref, datasetFormat);
  const messages = renderPrompt(taskOf(recipe, example.task), example, mode, recipe.modeWords);
  const digests = imagesOfMessages(messages, (image) => required(example.images[image], 'an image'));
  const images = await Promise.all(digests.map((digest) => imageBytes(cache, dataset, digest)));
  const [message] = messages;
  const prompt = (message?.content ?? []).map((part) => (part.type === 'text' ? part.text : '<image>')).join(' ');
  return {
    runName,
    ...(step !== undefined && { step }),
    ...{ task: example.task, exampleId: example.id, images: images.map(dataUri), prompt, completion },
    ...(judgment.ok ? { rationale: judgment.rationale, verdict: judgment.verdict } : { unparsable: judgment.reason }),
    label: example.label,
    reward: { value: reward.value, accuracy: reward.accuracy, format: reward.format },
  };
}

function dataUri(bytes: Uint8Array): string {
  return `data:${mediaTypeOf(bytes)};base64,${Buffer.from(bytes).toString('base64')}`;
}

/** Media type by the first bytes: PNG, GIF, WebP (RIFF), else JPEG. */
function mediaTypeOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  if (start === '\x89PNG') return 'image/png';
  if (start === 'GIF8') return 'image/gif';
  return start === 'RIFF' ? 'image/webp' : 'image/jpeg';
}
