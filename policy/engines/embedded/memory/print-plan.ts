/**
 * Prints as JSON the cost of training a checkpoint: bytes by kind and seconds per step, for each arm. It reads the
 * folder's config, tokenizer and templates, but no weights. `mtrl doctor --model` runs it as a separate process.
 * Argument: a PlanRequest as JSON; a failure is printed as {failure: {code, message, details}}.
 */
import type { ArmPlan, ArmShape, ModelPlan, PlanRequest } from '../../../../contract/model-plan.ts';
import { required } from '../../../../core/assert.ts';
import { MtrlError } from '../../../../core/errors.ts';
import { withSmallFiles } from '../../../checkpoints/form.ts';
import type { EncodedPrompt, TrainGroup } from '../../../engine.ts';
import { flopsOf } from '../../../graph/flops.ts';
import { columnCountMax } from '../../../models/layout.ts';
import { trainableSpecs } from '../../../models/trainable.ts';
import { loadProcessor } from '../../../processor.ts';
import { gemmRate } from '../../../runtime/gemm-rate.ts';
import { openRuntime } from '../../../runtime/open-runtime.ts';
import { cutRollouts, cutTraining, hasImages, heldBytes } from './fit-memory.ts';
import { sizesFrom, total } from './memory-plan.ts';
import { packGroups } from '../packing/pack-groups.ts';
import { rolloutOptions, sampleTensors } from '../packing/sample-batch.ts';
import { Sessions } from '../sessions.ts';
import { readConfig } from '../weights.ts';

const request = JSON.parse(process.argv[2] ?? '') as PlanRequest;
try {
  process.stdout.write(`${JSON.stringify(await plan(request))}\n`);
} catch (error) {
  if (!(error instanceof MtrlError)) throw error;
  const { code, message, details } = error;
  process.stdout.write(`${JSON.stringify({ failure: { code, message, details } })}\n`);
}

async function plan({ checkpoint, threadCount, imageEdge, arms }: PlanRequest): Promise<ModelPlan> {
  const [{ architecture }, processor] = await withSmallFiles(checkpoint, async (folder) => [
    await readConfig(folder),
    await loadProcessor(folder),
  ]);
  const runtime = await openRuntime({ threadCount });
  const { laneCount = 1 } = runtime;
  const { hiddenSize, intermediateSize } = architecture.text;
  const wideFlopsPerSecond = await gemmRate(runtime, 1024, hiddenSize, intermediateSize);
  const prompts = await Promise.all(
    arms.map(({ promptText, imageCount }) =>
      processor.encodePrompt(...blankPrompt(promptText, architecture.images === undefined ? 0 : imageCount, imageEdge)),
    ),
  );
  const planned: ArmPlan[] = [];
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

  function planArm(arm: ArmShape, prompt: EncodedPrompt, rates: Rates): ArmPlan {
    const specs = trainableSpecs(architecture, arm.trainable);
    const sessions = new Sessions(architecture, runtime);
    sessions.retarget(arm.trainable, specs);
    const fitted = { architecture, specs, sessions };
    const { byteLengthMax = Infinity, recompute = false } = arm.memory;
    // A ceiling of Infinity splits calls as no ceiling does, but their memory is planned.
    const held = { withReference: arm.withReference, memory: { byteLengthMax } };
    const training = planTraining();
    const rollout = arm.groupSize > 1 ? planRollout() : undefined;
    const phases = [training, ...(rollout ? [rollout] : [])].map(({ cut }) => heldBytes(fitted, held, cut));
    const needs = phases.map(({ resident, calls }) => total(resident) + calls);
    const needed = Math.max(...needs);
    const { resident } = required(phases[needs.indexOf(needed)], 'a phase');
    return {
      arm: arm.arm,
      promptTokenCount: prompt.tokenIds.length,
      imageCount: prompt.images.length,
      microBatchCount: training.cut.parts.length,
      microBatchPromptCount: training.promptCount,
      byteLengths: {
        ...resident,
        ...(rollout && { keyValueCache: rollout.keyValueCache, rollouts: phases[1]?.calls ?? 0 }),
        logits: training.logits,
        training: phases[0]?.calls ?? 0,
      },
      byteLengthNeeded: needed,
      fits: needed <= byteLengthMax,
      flops: { training: training.flops, ...(rollout && { rollouts: rollout.flops, prompts: rollout.prefill }) },
      secondsPerStep: training.seconds + (rollout?.seconds ?? 0),
      trainingSeconds: training.seconds,
      ...(rollout && { rolloutSeconds: rollout.seconds }),
    };

    function planTraining() {
      const { loss, withReference } = arm;
      const options = { recompute, loss, withReference };
      const groups = Array.from({ length: arm.promptCount }, () => usualGroup(arm, prompt));
      const cut = cutTraining(fitted, { ...held, groups }, options);
      const { graph } = sessions.trainingPlan({ ...options, withImages: hasImages(groups) });
      const flops = cut.parts.reduce(
        (sum, part) => sum + flopsOf(graph, sizesFrom(graph, packGroups(architecture, part.groups).tensors)),
        0,
      );
      const promptCount = cut.parts[0]?.groups.length ?? 0;
      const scoredTokenCount = cut.laneCount * promptCount * arm.groupSize * arm.completionTokenCount;
      return {
        cut,
        promptCount,
        logits: 4 * architecture.text.vocabularySize * scoredTokenCount,
        flops,
        seconds: (flops * laneCount) / (rates.wideFlopsPerSecond * cut.laneCount),
      };
    }

    function planRollout() {
      const request = {
        ...{ prompts: Array<EncodedPrompt>(arm.promptCount).fill(prompt), groupSize: arm.groupSize, seed: 0, step: 0 },
        ...{ promptOffset: 0, promptTokenCountMax: prompt.tokenIds.length },
        sampling: { temperature: 1, greedy: true, tokenCountMax: arm.completionTokenCount },
        tokens: { stopTokenId: 0, padTokenId: 0, bannedTokenIds: [] },
      };
      const cut = cutRollouts(fitted, { ...request, ...held });
      const { graph } = sessions.rolloutPlan(rolloutOptions(architecture, request));
      const half = { T: Math.ceil(arm.completionTokenCount / 2), trips: arm.completionTokenCount };
      const sizes = {
        ...sizesFrom(graph, sampleTensors(architecture, { ...request, rolloutOffset: 0 })),
        ...half,
        loop: arm.completionTokenCount,
      };
      const flops = flopsOf(graph, sizes, arm.completionTokenCount);
      const prefill = flopsOf(graph, sizes, 0);
      const { layerCount, keyValueHeadCount, headSize } = architecture.text;
      const { prompts = [], groupSize = 0 } = cut.parts[0] ?? {};
      const cachedTokens = prompts.length * (prompt.tokenIds.length + groupSize * arm.completionTokenCount);
      return {
        cut,
        keyValueCache: 2 * 4 * layerCount * keyValueHeadCount * headSize * cachedTokens * cut.laneCount,
        flops,
        prefill,
        // Decoding multiplies few rows at a time.
        seconds:
          ((prefill / rates.wideFlopsPerSecond + (flops - prefill) / rates.narrowFlopsPerSecond) * laneCount) /
          cut.laneCount,
      };
    }
  }
}

interface Rates {
  readonly wideFlopsPerSecond: number;
  readonly narrowFlopsPerSecond: number;
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
