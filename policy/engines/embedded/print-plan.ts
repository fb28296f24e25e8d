/**
 * Prints as JSON what training a checkpoint takes: bytes by kind and seconds a step, an arm. Of the folder it reads the
 * config, tokenizer and templates, no weights. `mtrl doctor --model` starts it as a process of its own. Argument: a
 * PlanRequest as JSON; a failure is printed as {code, message, details}.
 */
import { MtrlError } from '../../../core/errors.ts';
import type { EncodedPrompt, MemorySpec, TrainGroup, TrainableSpec } from '../../engine.ts';
import { flopsOf } from '../../graph/flops.ts';
import type { Graph } from '../../graph/ir.ts';
import { columnCountMax } from '../../models/layout.ts';
import { trainableSpecs } from '../../models/trainable.ts';
import { rolloutGraph } from '../../models/rollout-graph.ts';
import { trainingGraph } from '../../models/training-graph.ts';
import { loadProcessor } from '../../processor.ts';
import { gemmRate } from '../../runtime/gemm-rate.ts';
import type { Tensor } from '../../runtime/graph-runner.ts';
import { openRuntime } from '../../runtime/open-runtime.ts';
import { largestCount, microBatches } from './micro-batches.ts';
import { callByteLength, lanesThatFit, largest, planOf, residentBytes, sizesFrom, total } from './memory-plan.ts';
import { packGroups } from './pack-groups.ts';
import { evenPromptCount, groupShares, sampleTensors } from './sample-batch.ts';
import { readConfig } from './weights.ts';

export interface ArmShape {
  readonly arm: string;
  readonly promptCount: number;
  /** 1 for supervised training: no rollouts. */
  readonly groupSize: number;
  readonly completionTokenCount: number;
  readonly withReference: boolean;
  readonly trainable: TrainableSpec;
  readonly memory: MemorySpec;
  /** A prompt as it is usual for the arm. */
  readonly promptText: string;
  readonly imageCount: number;
}

export interface PlanRequest {
  readonly folder: string;
  readonly threadCount: number;
  /** Of the pictures of a prompt, pixels a side. */
  readonly imageEdge: number;
  readonly arms: readonly ArmShape[];
}

const request = JSON.parse(process.argv[2] ?? '') as PlanRequest;
try {
  process.stdout.write(`${JSON.stringify(await plan(request))}\n`);
} catch (error) {
  if (!(error instanceof MtrlError)) throw error;
  const { code, message, details } = error;
  process.stdout.write(`${JSON.stringify({ failure: { code, message, details } })}\n`);
}

async function plan({ folder, threadCount, imageEdge, arms }: PlanRequest) {
  const { architecture } = await readConfig(folder);
  const processor = await loadProcessor(folder);
  const runtime = await openRuntime({ threadCount });
  const { laneCount = 1 } = runtime;
  const { hiddenSize, intermediateSize } = architecture.text;
  const wideFlopsPerSecond = await gemmRate(runtime, 1024, hiddenSize, intermediateSize);
  const prompts = await Promise.all(
    arms.map(({ promptText, imageCount }) =>
      processor.encodePrompt(...blankPrompt(promptText, architecture.images === undefined ? 0 : imageCount, imageEdge)),
    ),
  );
  const planned = [];
  for (const [i, arm] of arms.entries()) {
    const rows = Math.min(arm.promptCount * arm.groupSize, columnCountMax);
    const narrowFlopsPerSecond = await gemmRate(runtime, intermediateSize, hiddenSize, rows);
    planned.push(planArm(arm, prompts[i] as EncodedPrompt, { wideFlopsPerSecond, narrowFlopsPerSecond }));
  }
  return {
    modelType: architecture.modelType,
    parameterCount: architecture.parameterSpecs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    threadCount,
    wideFlopsPerSecond,
    arms: planned,
  };

  function planArm(arm: ArmShape, prompt: EncodedPrompt, rates: Rates) {
    const specs = trainableSpecs(architecture, arm.trainable);
    const oneLane = total(residentBytes(specs, arm.withReference, 1));
    const { byteLengthMax = Infinity, recompute = false } = arm.memory;
    const withImages = prompt.images.length > 0;
    const training = trainingGraph(architecture, specs, {
      ...{ withImages, recompute, loss: arm.groupSize > 1 ? 'ppo' : 'cross_entropy' },
    });
    const trainingPlan = planOf(training);
    const groupsOf = (count: number): TrainGroup[] => Array.from({ length: count }, () => usualGroup(arm, prompt));
    const tensorsOf = (count: number): Map<string, Tensor> => packGroups(architecture, groupsOf(count)).tensors;
    const trainingBytes = (count: number): number => callByteLength(trainingPlan, tensorsOf(count));
    const tokenCount = prompt.tokenIds.length + arm.groupSize * arm.completionTokenCount;
    const batches = microBatches(
      Array<number>(arm.promptCount).fill(tokenCount),
      ({ length }) => oneLane + trainingBytes(length) <= byteLengthMax,
    );
    const callBytes = batches.map(({ length }) => trainingBytes(length));
    const limits = { calls: callBytes, laneCount, byteLengthMax };
    const lanesAtWork = lanesThatFit(specs, arm.withReference, limits);
    const trainingCall = largest(callBytes, lanesAtWork);
    const resident = residentBytes(specs, arm.withReference, laneCount === 1 ? 0 : lanesAtWork);
    const trainingFlops = batches.reduce((sum, { length }) => sum + flops(training, tensorsOf(length)), 0);
    const rollout = arm.groupSize > 1 ? planRollout() : undefined;
    const rolloutCall = rollout?.callByteLength ?? 0;
    // Without a ceiling the runtime keeps for each graph what it has used.
    const calls = byteLengthMax === Infinity ? trainingCall + rolloutCall : Math.max(trainingCall, rolloutCall);
    const needed = total(resident) + calls;
    const trainingSeconds = (trainingFlops * laneCount) / (rates.wideFlopsPerSecond * lanesAtWork);
    return {
      arm: arm.arm,
      promptTokenCount: prompt.tokenIds.length,
      imageCount: prompt.images.length,
      microBatchCount: batches.length,
      microBatchPromptCount: batches[0]?.length ?? 0,
      byteLengths: {
        ...resident,
        ...(rollout && { keyValueCache: rollout.keyValueCache, rollouts: rollout.callByteLength }),
        logits:
          4 * architecture.text.vocabularySize * (batches[0]?.length ?? 0) * arm.groupSize * arm.completionTokenCount,
        training: trainingCall,
      },
      byteLengthNeeded: needed,
      fits: needed <= byteLengthMax,
      flops: { training: trainingFlops, ...(rollout && { rollouts: rollout.flops }) },
      secondsPerStep: trainingSeconds + (rollout?.seconds ?? 0),
      trainingSeconds,
      ...(rollout && { rolloutSeconds: rollout.seconds }),
    };

    function planRollout() {
      const graph = rolloutGraph(architecture, specs, { withImages });
      const rolloutPlan = planOf(graph);
      const samplingOf = (count: number, share = { groupSize: arm.groupSize, rolloutOffset: 0 }): Map<string, Tensor> =>
        sampleTensors(architecture, {
          ...{ prompts: Array<EncodedPrompt>(count).fill(prompt), ...share, seed: 0, step: 0 },
          ...{ promptOffset: 0, promptTokenCountMax: prompt.tokenIds.length },
          sampling: { temperature: 1, greedy: true, tokenCountMax: arm.completionTokenCount },
          tokens: { stopTokenId: 0, padTokenId: 0, bannedTokenIds: [] },
        });
      const bytesOf = (count: number): number =>
        callByteLength(rolloutPlan, samplingOf(count, groupShares(arm.groupSize)[0]), arm.completionTokenCount);
      const countMax = evenPromptCount(arm.promptCount, arm.groupSize, laneCount);
      const count = largestCount(countMax, (tried) => total(resident) + bytesOf(tried) <= byteLengthMax);
      const half = { T: Math.ceil(arm.completionTokenCount / 2), trips: arm.completionTokenCount };
      const sizes = {
        ...sizesFrom(graph.inputs, samplingOf(arm.promptCount)),
        ...half,
        loop: arm.completionTokenCount,
      };
      const all = flopsOf(graph, sizes, arm.completionTokenCount);
      const prefill = flopsOf(graph, sizes, 0);
      const { layerCount, keyValueHeadCount, headSize } = architecture.text;
      const cachedTokens = count * (prompt.tokenIds.length + arm.groupSize * arm.completionTokenCount);
      return {
        callByteLength: bytesOf(count),
        keyValueCache: 2 * 4 * layerCount * keyValueHeadCount * headSize * cachedTokens,
        flops: all,
        // Decoding multiplies few rows at a time.
        seconds: prefill / rates.wideFlopsPerSecond + (all - prefill) / rates.narrowFlopsPerSecond,
      };
    }
  }
}

interface Rates {
  readonly wideFlopsPerSecond: number;
  readonly narrowFlopsPerSecond: number;
}

function flops(graph: Graph, tensors: ReadonlyMap<string, Tensor>): number {
  return flopsOf(graph, sizesFrom(graph.inputs, tensors));
}

function usualGroup({ groupSize, completionTokenCount }: ArmShape, prompt: EncodedPrompt): TrainGroup {
  const completion = { tokenIds: Array<number>(completionTokenCount).fill(0), tokenWeight: 1 };
  return { prompt, completions: Array.from({ length: groupSize }, () => completion) };
}

function blankPrompt(text: string, imageCount: number, edge: number) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${edge}" height="${edge}"><rect width="100%" height="100%" fill="grey"/></svg>`;
  const images = Array.from({ length: imageCount }, () => new TextEncoder().encode(svg));
  const content = [...images.map(() => ({ type: 'image' as const })), { type: 'text' as const, text }];
  return [[{ role: 'user' as const, content }], images] as const;
}
