/** Runs the same graphs and the same GRPO step on two runtimes and measures the differences. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { Rng } from '../../core/rng.ts';
import type { ForwardBackwardRequest, OptimStepRequest, SampleRequest } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { add, sumOfSquares } from '../../policy/graph/build.ts';
import { gradients } from '../../policy/graph/gradient.ts';
import type { Graph } from '../../policy/graph/ir.ts';
import { grpo } from '../../policy/algorithms/grpo.ts';
import type { Runtime, RuntimeSettings } from '../../policy/runtime/graph-runner.ts';
import { openRuntime } from '../../policy/runtime/open-runtime.ts';
import { opCases } from '../policy/graph/cases/all.ts';
import { type OpCase, buildCase, drawInputs } from '../policy/graph/op-case.ts';
import { type FixtureKind, cases, folderOf, largestDifference, promptsOf } from './idefics3-fixture.ts';
import type { ReferenceTensor } from './reference-tensor.ts';
import { mismatch, runOn } from './runtime-run.ts';

/** Tolerance for every backend and provider, relative to the largest element of a tensor (at least 1). */
export const tolerance = 1e-4;

/** The reference runtime: ONNX Runtime on the CPU. */
export const referenceSettings: RuntimeSettings = { threadCount: 1 };

export interface OpDifference {
  readonly op: string;
  readonly title: string;
  /** The problem, or '' if outputs have the same types and shapes and lie within the tolerance. */
  readonly problem: string;
  /** Largest absolute difference of any float32 output. */
  readonly difference: number;
}

export const opCaseCount = opCases.length;

/** @param onEach gets each difference as soon as it is known */
export async function opDifferences(
  settings: RuntimeSettings,
  onEach: (difference: OpDifference) => void = () => undefined,
): Promise<OpDifference[]> {
  const [runtime, reference] = [await openRuntime(settings), await openRuntime(referenceSettings)];
  const results: OpDifference[] = [];
  for (const item of opCases) {
    const difference = await opDifference(item, runtime, reference);
    results.push(difference);
    onEach(difference);
  }
  return results;
}

async function opDifference(item: OpCase, runtime: Runtime, reference: Runtime): Promise<OpDifference> {
  const graph = withGradients(item);
  const runs = item.sizes.map((sizes) => drawInputs(item, sizes));
  const { op, title } = item;
  try {
    const expected = await runOn(await reference.compile(graph), runs);
    const found = await runOn(await runtime.compile(graph), runs);
    const pairs = expected.flatMap((run, index) =>
      [...run].map(([name, tensor]) => [required(found[index], 'run').get(name), tensor] as const),
    );
    const problems = pairs.map(([mine, theirs]) => mismatch(mine, theirs, theirs.dtype === 'float32' ? tolerance : 0));
    return {
      op,
      title,
      problem: problems.find((problem) => problem !== undefined) ?? '',
      difference: Math.max(0, ...pairs.map(([mine, theirs]) => differenceOf(mine, theirs))),
    };
  } catch (error) {
    return { op, title, problem: (error as Error).message.slice(0, 500), difference: Infinity };
  }
}

/** The case with its outputs, and the gradients of the sum of their squares if it is differentiable. */
function withGradients(item: OpCase): Graph {
  const { graph, inputs, outputs } = buildCase(item);
  outputs.forEach((value, index) => {
    graph.output(`y${index}`, value);
  });
  if (item.by.length === 0) return graph;
  const squares = outputs.filter(({ dtype }) => dtype === 'float32').map((value) => sumOfSquares(graph, value));
  const loss = squares.reduce((a, b) => add(graph, a, b));
  const by = item.by.map((name) => required(inputs[name], name));
  gradients(graph, loss, by).forEach((gradient, index) => {
    graph.output(`gradient${index}`, gradient);
  });
  return graph;
}

function differenceOf(mine: ReferenceTensor | undefined, theirs: ReferenceTensor): number {
  return theirs.dtype === 'float32' ? largestDifference(mine?.data ?? [], theirs.data) : 0;
}

const optimStep: OptimStepRequest = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  // Above the noise of gradients that are zero in exact arithmetic, which AdamW would scale up to whole steps.
  epsilon: 1e-6,
  weightDecay: 0.01,
  gradientNormMax: 1,
};

const sampling = { temperature: 1, greedy: false, tokenCountMax: 10 };

/** A checkpoint and prompts for it. */
interface StepCase {
  readonly folder: string;
  readonly request: SampleRequest;
}

function fixtureStep(kind: FixtureKind): StepCase {
  const { eosTokenId, padTokenId, suppressedTokenIds } = cases;
  return {
    folder: folderOf(kind),
    request: {
      prompts: promptsOf(required(cases.cases['batch-left-padded'], 'case')),
      tokens: { stopTokenId: eosTokenId, padTokenId, bannedTokenIds: [padTokenId, ...suppressedTokenIds] },
      ...{ groupSize: 4, sampling, seed: 5, step: 3, promptOffset: 0, promptTokenCountMax: 48 },
    },
  };
}

/** The demo's base checkpoint, asked about pictures of noise by token ids of its tokenizer.json. */
function demoStep(): StepCase {
  const ids = {
    pad: 0,
    bos: 1,
    eos: 2,
    image: 4,
    aroundImage: 5,
    globalImage: 6,
    assistant: 7,
    firstWord: 13,
    end: 92,
  };
  const { pad, bos, eos, image, aroundImage, globalImage, assistant, firstWord, end } = ids;
  const [side, imageTokenCount] = [32, 16];
  const rng = new Rng('differential-demo', 0);
  const prompts = [7, 12, 9].map((wordCount) => {
    const words = Array.from({ length: wordCount }, () => rng.integer(firstWord, end));
    const images = Array<number>(imageTokenCount).fill(image);
    const data = Float32Array.from({ length: 3 * side * side }, () => 2 * rng.uniform() - 1);
    return {
      tokenIds: [bos, aroundImage, globalImage, ...images, aroundImage, ...words, assistant],
      images: [{ data, width: side, height: side }],
    };
  });
  return {
    folder: join(projectRoot, 'recipes', 'demo-base'),
    request: {
      prompts,
      tokens: { stopTokenId: eos, padTokenId: pad, bannedTokenIds: [pad, bos, image, aroundImage, globalImage] },
      ...{ groupSize: 6, sampling, seed: 5, step: 3, promptOffset: 0, promptTokenCountMax: 40 },
    },
  };
}

export type StepName = FixtureKind | 'demo-base';

export interface StepDifference {
  /** Whether the rollouts are the same, token by token. */
  readonly sameTokens: boolean;
  readonly tokenCount: number;
  /** Largest absolute differences. `m` and `v` are the optimizer's moments: a tenth of the gradient, and its square. */
  readonly differences: Readonly<Record<StepPart, number>>;
}
type StepPart = 'rolloutLogProbs' | 'trainerLogProbs' | 'loss' | 'gradientNorm' | 'weights' | 'm' | 'v';

/**
 * Compares a whole GRPO step of a tiny checkpoint: rollouts, others with every sampling option, loss and gradients, two
 * updates.
 */
export async function stepDifference(name: StepName, settings: RuntimeSettings): Promise<StepDifference> {
  const step = name === 'demo-base' ? demoStep() : fixtureStep(name);
  const theirs = await grpoStep(step, referenceSettings);
  const mine = await grpoStep(step, settings);
  const ids = (step: GrpoStep): string => JSON.stringify(step.tokenIds);
  return {
    sameTokens: ids(mine) === ids(theirs),
    tokenCount: theirs.tokenIds.flat(2).length,
    differences: {
      rolloutLogProbs: largestDifference(mine.rolloutLogProbs, theirs.rolloutLogProbs),
      trainerLogProbs: largestDifference(mine.trainerLogProbs, theirs.trainerLogProbs),
      loss: Math.abs(mine.loss - theirs.loss),
      gradientNorm: Math.abs(mine.gradientNorm - theirs.gradientNorm),
      weights: differenceOfFiles(mine.weights, theirs.weights, ''),
      m: differenceOfFiles(mine.optimizer, theirs.optimizer, 'm:'),
      v: differenceOfFiles(mine.optimizer, theirs.optimizer, 'v:'),
    },
  };
}

interface GrpoStep {
  readonly tokenIds: readonly (readonly (readonly number[])[])[];
  readonly rolloutLogProbs: readonly number[];
  readonly trainerLogProbs: readonly number[];
  readonly loss: number;
  readonly gradientNorm: number;
  readonly weights: Map<string, Float32Array>;
  readonly optimizer: Map<string, Float32Array>;
}

async function grpoStep({ folder: checkpoint, request }: StepCase, settings: RuntimeSettings): Promise<GrpoStep> {
  const { prompts, tokens } = request;
  const engine = new EmbeddedEngine(settings);
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-differential-'));
  try {
    await engine.loadCheckpoint(checkpoint);
    const { groups } = await engine.sample(request);
    const stopSequences = groups.flatMap((group) => group.slice(0, 1).map(({ tokenIds }) => tokenIds.slice(1, 3)));
    const narrow = await engine.sample({ ...request, sampling: { ...sampling, topK: 20, topP: 0.8, stopSequences } });
    const drawn = [...groups, ...narrow.groups];
    const rewards = groups.map((group) => group.map((_, index) => index % 2));
    const training: ForwardBackwardRequest = {
      groups: grpo.groups({ prompts, rollouts: groups, rewards }, {}).groups,
      loss: grpo.loss({}),
      temperature: 1,
      tokens,
    };
    await engine.forwardBackward(training);
    await engine.optimStep(optimStep);
    // Starts from the weights and moments that the first update left.
    const update = await engine.forwardBackward(training);
    const { gradientNorm } = await engine.optimStep(optimStep);
    await engine.saveState(folder);
    return {
      tokenIds: drawn.map((group) => group.map((rollout) => rollout.tokenIds)),
      rolloutLogProbs: drawn.flatMap((group) => group.flatMap((rollout) => rollout.logProbs)),
      trainerLogProbs: update.logProbs.flat(2),
      loss: update.loss,
      gradientNorm,
      weights: await tensorsIn(join(folder, 'model.safetensors')),
      optimizer: await tensorsIn(join(folder, 'optimizer.safetensors')),
    };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true });
  }
}

async function tensorsIn(file: string): Promise<Map<string, Float32Array>> {
  const { tensors } = decodeSafetensors(await readFile(file));
  const numbers = [...tensors].filter(([, tensor]) => tensor.dtype === 'F32');
  return new Map(numbers.map(([name, tensor]) => [name, readFloat32(tensor)]));
}

function differenceOfFiles(
  mine: ReadonlyMap<string, Float32Array>,
  theirs: ReadonlyMap<string, Float32Array>,
  prefix: string,
): number {
  const names = [...theirs.keys()].filter((name) => name.startsWith(prefix));
  if (names.length === 0) return Infinity;
  return Math.max(...names.map((name) => largestDifference(mine.get(name) ?? [], required(theirs.get(name), name))));
}
