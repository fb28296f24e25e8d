/** Models that recipes name and that are planned from their published sizes, where no checkpoint is at hand. */
import type { ArmShape } from '../../contract/model-plan.ts';
import type { ArmCost, PolicyCosts } from './policy-costs.ts';
import { type ImageSizes, type ModelSizes, samplingFlops, updateFlops } from './transformer-flops.ts';

export interface PublishedModel {
  readonly modelType: string;
  /** As a token passes through it. */
  readonly sizes: ModelSizes;
  /** Width of the feed-forward layers of all experts. */
  readonly feedForwardWidthOfAll: number;
  readonly patchSize: number;
  /** Patches per image token along each axis. */
  readonly mergeSize: number;
  readonly positionCount: number;
}

/** 3 color channels and 2 frames of patches of 16 x 16; merger and the three of DeepStack are products of two matrices. */
const qwen3Vl30b: PublishedModel = {
  modelType: 'qwen3_vl_moe',
  sizes: {
    decoder: {
      ...{ layerCount: 48, hiddenSize: 2048, queryWidth: 32 * 128, keyValueWidth: 4 * 128 },
      ...{ feedForwardWidth: 8 * 768, expertCount: 128, vocabularySize: 151_936 },
    },
    tower: {
      ...{ layerCount: 27, width: 1152, feedForwardWidth: 4304, patchWidth: 3 * 2 * 16 ** 2 },
      mergerProductCount: 4 * ((4 * 1152) ** 2 + 4 * 1152 * 2048),
    },
  },
  ...{ feedForwardWidthOfAll: 128 * 768, patchSize: 16, mergeSize: 2, positionCount: 48 ** 2 },
};

/** By the name of the repository on the Hub. Sizes: its config.json. */
export const publishedModels: ReadonlyMap<string, PublishedModel> = new Map([
  ['Qwen3-VL-30B-A3B-Instruct', qwen3Vl30b],
]);

interface PublishedRequest {
  readonly arms: readonly ArmShape[];
  readonly answers: ArmShape;
  /** Of the pictures, in pixels. */
  readonly imageEdge: number;
}

/** Characters of English per token, and tokens that a chat template adds. Both are rules of thumb. */
const characterCountPerToken = 4;
const templateTokenCount = 16;

/** Bytes per parameter in mixed precision with AdamW (arXiv 1910.02054, section 3.1). */
const byteCounts = { weights: 2, gradients: 2, masterWeights: 4, m: 4, v: 4 } as const;

export function publishedCosts(name: string, model: PublishedModel, request: PublishedRequest): PolicyCosts {
  const { sizes } = model;
  const { arms, answers, imageEdge } = request;
  const image = imageSizes(model, imageEdge);
  const { all: parameterCount, active: activeParameterCount } = parameterCounts(model);
  const promptOf = ({ promptText, imageCount }: ArmShape) => ({
    images: Array<ImageSizes>(imageCount).fill(image),
    promptTokenCount:
      Math.ceil(promptText.length / characterCountPerToken) + templateTokenCount + imageCount * image.tokenCount,
  });
  const costOf = (arm: ArmShape): ArmCost => {
    const { images, promptTokenCount } = promptOf(arm);
    const { prompts, completions } = samplingFlops(sizes, images, { ...arm, promptTokenCount });
    const states = Object.entries(byteCounts).map(([kind, count]) => [kind, count * parameterCount] as const);
    const byteLengths = {
      ...Object.fromEntries(states),
      ...(arm.withReference && { reference: byteCounts.weights * parameterCount }),
    };
    const { weights, masterWeights, m, v } = byteCounts;
    return {
      ...{ promptTokenCount, byteLengths, byteLengthNeeded: sum(Object.values(byteLengths)), fits: true },
      flops: {
        training: updateFlops(sizes, images, { ...arm, promptTokenCount }),
        rollouts: arm.groupSize > 1 ? prompts + completions : 0,
      },
      snapshotByteLength: (weights + masterWeights + m + v) * parameterCount,
    };
  };
  const asked = promptOf(answers);
  const one = { promptCount: 1, groupSize: 1, completionTokenCount: answers.completionTokenCount };
  const answer = samplingFlops(sizes, asked.images, { ...one, promptTokenCount: asked.promptTokenCount });
  return {
    ...{ modelType: model.modelType, parameterCount, activeParameterCount },
    arms: new Map(arms.map((arm) => [arm.arm, costOf(arm)])),
    answer: {
      ...{ promptTokenCount: asked.promptTokenCount, completionTokenCount: answers.completionTokenCount },
      flops: answer.prompts + answer.completions,
    },
    assumptions: [
      `${name} is not on this machine: its published sizes are used`,
      `prompts: a token for ${String(characterCountPerToken)} characters of the longest template of their tasks, ${String(templateTokenCount)} of the chat template, ${String(image.tokenCount)} for a picture of ${String(imageEdge)} pixels an edge; fields of rows are not counted`,
      'memory: mixed precision with AdamW on all weights, 16 bytes per parameter (arXiv 1910.02054); activations and key-value caches are not counted, and arms with adapters are planned as full training',
    ],
  };
}

/** Without norms and biases. */
export function parameterCounts({ sizes, feedForwardWidthOfAll, positionCount }: PublishedModel): {
  readonly all: number;
  readonly active: number;
} {
  const { decoder, tower } = sizes;
  const { layerCount, hiddenSize: D, queryWidth, keyValueWidth, expertCount, vocabularySize } = decoder;
  const layerOf = (feedForwardWidth: number): number =>
    2 * D * (queryWidth + keyValueWidth) + 3 * D * feedForwardWidth + D * expertCount;
  const head = vocabularySize * D;
  const vision =
    tower.layerCount * (4 * tower.width ** 2 + 2 * tower.width * tower.feedForwardWidth) +
    (tower.patchWidth + positionCount) * tower.width +
    tower.mergerProductCount;
  return {
    all: layerCount * layerOf(feedForwardWidthOfAll) + 2 * head + vision,
    active: layerCount * layerOf(decoder.feedForwardWidth) + head,
  };
}

/** The edge is rounded to whole image tokens, as the image processor does. */
function imageSizes({ patchSize, mergeSize }: PublishedModel, edge: number): ImageSizes {
  const tokensPerEdge = Math.max(1, Math.round(edge / (patchSize * mergeSize)));
  return { tokenCount: tokensPerEdge ** 2, patchCount: (tokensPerEdge * mergeSize) ** 2 };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
