/**
 * AdamW against Muon at equal time: the demo's model from fresh weights on the demo world's annotated examples, with
 * the same batches in the same order and a cosine decay over the time. Only updates are timed (MTRL_BENCH_SECONDS for
 * each learning rate, 75 by default); then the loss on held-out examples is measured.
 */
import { join } from 'node:path';
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';
import { projectRoot } from '../core/project.ts';
import { readWorld } from '../judge/datasets/read-world.ts';
import type { AnswerMode } from '../judge/example.ts';
import { targetText } from '../judge/tasks/completion.ts';
import { renderPrompt } from '../judge/tasks/prompt.ts';
import type { ForwardBackwardRequest, OptimStepRequest, TrainGroup } from '../policy/engine.ts';
import { EmbeddedEngine } from '../policy/engines/embedded/embedded-engine.ts';
import { sftGroups } from '../policy/algorithms/sft.ts';
import { learningRateAt } from '../policy/optimizer/schedule.ts';
import { type Processor, loadProcessor } from '../policy/processor.ts';
import { loadRecipeFile } from '../recipes/load.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { median, rounded } from './statistics.ts';

const secondCount = Number(process.env['MTRL_BENCH_SECONDS'] ?? 75);
const learningRates = { adamw: [1e-3, 2e-3, 4e-3], muon: [2e-3, 6e-3, 1.5e-2] } as const;
const exampleCountPerStep = 64;
/** Examples per dataset of the recipe. */
const exampleCounts = { train: 1500, heldOut: 40 };
const schedule = { schedule: 'constant', finalLearningRateRatio: 1, warmupStepCount: 50, decayFrom: 'peak' } as const;
const settings = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.05, gradientNormMax: 1 } as const;

type OptimizerName = keyof typeof learningRates;
type Example = () => Promise<TrainGroup>;

export async function bench(log: (line: string) => void) {
  const { parsed: recipe } = loadRecipeFile(join(projectRoot, 'recipes', 'pretrain-demo.yaml'), []);
  const folder = join(projectRoot, 'recipes', 'demo-config');
  const processor = await loadProcessor(folder);
  const train = new Rng('bench-optimizers').shuffle(await examplesOf(recipe, processor, exampleCounts.train, 1));
  const heldOut = await examplesOf(recipe, processor, exampleCounts.heldOut, 2);
  const results: object[] = [];
  for (const [optimizer, rates] of Object.entries(learningRates) as [OptimizerName, readonly number[]][]) {
    for (const learningRate of rates) {
      const trained = await trainFor(folder, processor, { optimizer, learningRate, train, heldOut });
      results.push({ optimizer, learningRate, ...trained });
      log(JSON.stringify(results.at(-1)));
    }
  }
  return { secondCount, exampleCountPerStep, results: results as { [key: string]: string | number }[] };
}

interface Training {
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly train: readonly Example[];
  readonly heldOut: readonly Example[];
}

async function trainFor(folder: string, processor: Processor, training: Training) {
  const { optimizer, learningRate, train, heldOut } = training;
  const engine = new EmbeddedEngine({ threadCount: 1 });
  await engine.initialize(folder, 0);
  const { stopTokenId, padTokenId, bannedTokenIds } = processor;
  const common = { temperature: 1, tokens: { stopTokenId, padTokenId, bannedTokenIds } };
  const lossOf = async (examples: readonly Example[]): Promise<number> => {
    const groups = weighted(await Promise.all(examples.map((example) => example())));
    const logProbs = (await engine.forward({ groups, ...common, weights: 'current' })).flat(2);
    return -logProbs.reduce((sum, value) => sum + value, 0) / logProbs.length;
  };
  const stepMs: number[] = [];
  let spentMs = 0;
  for (let step = 0; spentMs < 1000 * secondCount; step++) {
    const from = (step * exampleCountPerStep) % (train.length - exampleCountPerStep);
    const groups = await Promise.all(train.slice(from, from + exampleCountPerStep).map((example) => example()));
    const request: ForwardBackwardRequest = { groups: weighted(groups), loss: { name: 'cross_entropy' }, ...common };
    const decay = 0.05 + 0.95 * 0.5 * (1 + Math.cos((Math.PI * spentMs) / (1000 * secondCount)));
    const rate = decay * learningRateAt({ learningRate, ...schedule }, step, Infinity);
    const update: OptimStepRequest = { learningRate: rate, ...settings };
    const startedAtMs = performance.now();
    await engine.forwardBackward(request);
    await engine.optimStep(optimizer === 'muon' ? { ...update, muon: { momentum: 0.95 } } : update);
    stepMs.push(performance.now() - startedAtMs);
    spentMs += stepMs.at(-1) ?? NaN;
  }
  const heldOutLoss = Number((await lossOf(heldOut)).toFixed(4));
  await engine.close();
  return { stepCount: stepMs.length, stepMs: rounded(median(stepMs)), heldOutLoss };
}

/** Weighs every answer token equally. */
function weighted(groups: readonly TrainGroup[]): TrainGroup[] {
  const completions = groups.flatMap((group) => group.completions.map(({ tokenIds }) => tokenIds));
  return sftGroups(
    groups.map(({ prompt }) => prompt),
    completions,
  );
}

/** Examples of all tasks that the recipe trains on, each encoded on first use. */
async function examplesOf(recipe: Recipe, processor: Processor, exampleCount: number, seed: number) {
  const examples: Example[] = [];
  for (const spec of recipe.datasets) {
    if (spec.reader !== 'judge-world' || spec.split !== 'train') continue;
    for await (const batch of readWorld({ ...spec, exampleCount, seed })) {
      for (const { outcome, images } of batch) {
        if (!('images' in outcome)) continue;
        const task = recipe.tasks[outcome.task];
        if (task === undefined) continue;
        const mode: AnswerMode = new Rng('bench-optimizers-mode', outcome.id).chance(0.3) ? 'direct' : 'think';
        let group: Promise<TrainGroup> | undefined;
        examples.push(() => (group ??= encoded()));
        const encoded = async (): Promise<TrainGroup> => {
          const messages = renderPrompt(task, outcome, mode, recipe.modeWords);
          const bytes = images.map((image) => required(image.bytes, 'a drawn picture'));
          const prompt = await processor.encodePrompt(messages, bytes);
          const tokenIds = processor.encodeCompletion(targetText(outcome, mode, task.verdictFormat));
          return { prompt, completions: [{ tokenIds, tokenWeight: 1 }] };
        };
      }
    }
  }
  return examples;
}
