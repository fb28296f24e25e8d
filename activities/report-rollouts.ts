/** Picks answers for the report to show, with their images: a few of each run, early and late, right and wrong. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import { required } from '../core/assert.ts';
import type { AnswerMode, Example, Judgment, Reward } from '../judge/example.ts';
import type { ReportRollout } from '../judge/report/data.ts';
import { rewardOf } from '../judge/rewards.ts';
import { renderPrompt } from '../judge/tasks/prompt.ts';
import { swapPair } from '../judge/tasks/swap.ts';
import type { Recipe } from '../recipes/recipe.ts';
import type { EvaluatedRun } from './contract.ts';
import { datasetOf, examplesOf, imageBytes } from './dataset-artifact.ts';
import type { JsonCache } from './json-cache.ts';
import type { EvaluationJudgments } from './judgments-artifact.ts';
import { taskOf } from './recipe-access.ts';
import type { RolloutShard, StepRewards } from './rollout-artifact.ts';
import { shownExample } from './shown-example.ts';
import type { GrpoUpdate, StepRecord } from './step-record.ts';

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
  const updates = records.flatMap(({ update }) => (update.objective === 'grpo' ? [update] : []));
  const shown = spread(updates, 3);
  const answers = await Promise.all([...shown.map((update) => ofStep(scope, update)), ofEvaluation(scope, run)]);
  return Promise.all(answers.flat().map((answer) => show(scope, run.plan.runName, answer)));
}

/** First, last, and evenly between. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) =>
    required(items[Math.round((i * (items.length - 1)) / (count - 1))], 'an item'),
  );
}

async function ofStep({ cache, recipe, dataset }: Scope, update: GrpoUpdate): Promise<Answer[]> {
  const [examples, rewards, ...shards] = await Promise.all([
    examplesOf(cache, dataset),
    cache.get(update.rewards) as Promise<StepRewards>,
    ...update.rollouts.map((ref) => cache.get(ref) as Promise<RolloutShard>),
  ]);
  const prompts = shards.flatMap((shard) => shard.prompts);
  const both = prompts.map((prompt, i) => ({ prompt, graded: required(rewards.prompts[i], prompt.exampleId) }));
  return spread(both, promptCountPerStep).flatMap(({ prompt, graded }) => {
    const stored = required(examples[prompt.exampleIndex], prompt.exampleId);
    const example = shownExample(stored, prompt, taskOf(recipe, stored.task));
    const answers = prompt.rollouts.map(({ text }, i): Answer => {
      const { judgment, reward } = required(graded.rollouts[i], 'a reward for every rollout');
      return { example, mode: update.mode, completion: text, judgment, reward, step: update.step };
    });
    return extremes(answers);
  });
}

/** The best and the worst: what differs between them is what the step learnt from. */
function extremes(answers: readonly Answer[]): Answer[] {
  const sorted = [...answers].sort((a, b) => b.reward.value - a.reward.value);
  return spread(sorted, rolloutCountPerPrompt);
}

async function ofEvaluation({ cache, recipe, dataset }: Scope, { plan, evaluations }: EvaluatedRun): Promise<Answer[]> {
  const examples = await examplesOf(cache, dataset);
  const arm = recipe.arms[plan.arm];
  const formatWeight = arm?.objective === 'grpo' ? arm.formatWeight : 0;
  const byTask = await Promise.all(
    evaluations.map(async ({ judgments }) => (await cache.get(judgments)) as EvaluationJudgments),
  );
  return byTask.flatMap(({ task, judgments }) => {
    const spec = taskOf(recipe, task);
    const answers = judgments.map(({ exampleIndex, swapped, text, judgment, label }): Answer => {
      const stored = required(examples[exampleIndex], 'an example for every judgment');
      const example = swapped ? swapPair(stored, spec.labels) : stored;
      return { example, mode: plan.mode, completion: text, judgment, reward: rewardOf(judgment, label, formatWeight) };
    });
    const right = answers.filter(({ reward }) => reward.accuracy === 1);
    const wrong = answers.filter(({ reward }) => reward.accuracy === 0);
    return [...right.slice(0, answerCountPerTask / 2), ...wrong.slice(0, answerCountPerTask / 2)];
  });
}

async function show({ cache, recipe, dataset: ref }: Scope, runName: string, answer: Answer): Promise<ReportRollout> {
  const { example, mode, completion, judgment, reward, step } = answer;
  const dataset = await datasetOf(cache, ref);
  const images = await Promise.all(example.images.map((digest) => imageBytes(cache, dataset, digest)));
  const [message] = renderPrompt(taskOf(recipe, example.task), example, mode, recipe.modeWords);
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

/** By the first bytes: PNG, GIF, WebP (RIFF), else JPEG. */
function mediaTypeOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  if (start === '\x89PNG') return 'image/png';
  if (start === 'GIF8') return 'image/gif';
  return start === 'RIFF' ? 'image/webp' : 'image/jpeg';
}
