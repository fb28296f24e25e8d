/** What the kit times: shapes and their work, for us and for PyTorch. */
import { availableParallelism } from 'node:os';
import { type Work, promptTokenCountOf, usualWork } from '../our-step.ts';
import { type Shape, imageOf, shapes, smolvlm256m } from '../shapes.ts';

export const kitShapes = { ...shapes, 'smolvlm-256m': smolvlm256m } as const satisfies Readonly<Record<string, Shape>>;
export type KitShapeName = keyof typeof kitShapes;
export const kitShapeNames = Object.keys(kitShapes) as KitShapeName[];

/** More threads of a call wait for each other. */
const threadCountMax = 16;

export const cpuThreadCount = (): number => Math.min(threadCountMax, availableParallelism());

/** The work of the benches `step` and `rollout`; half the prompts for the large shape, whose steps take long on a CPU. */
export function workOf(name: KitShapeName): Work {
  const promptCount = name === 'smolvlm-256m' ? 4 : usualWork.promptCount;
  return { ...usualWork, promptCount, promptTokenCount: promptTokenCountOf(kitShapes[name]), isFixedLength: true };
}

/** The argument of bench/peers/demo_step.py for the same work. */
export function peerArgument(name: KitShapeName, device: string): object {
  const shape: Shape = kitShapes[name];
  const { promptCount, groupSize, promptTokenCount, completionTokenCount } = workOf(name);
  const { side, patchSize, scaleFactor } = imageOf(shape);
  return {
    promptTokenCounts: Array<number>(promptCount).fill(promptTokenCount),
    completionTokenCounts: Array<number>(promptCount * groupSize).fill(completionTokenCount),
    layout: 'shared',
    device,
    threadCount: cpuThreadCount(),
    sizes: {
      ...{ vocabulary: shape.vocabularySize, imageSide: side, patch: patchSize, shuffle: scaleFactor },
      ...{ width: shape.hiddenSize, layers: shape.layerCount, ffn: shape.intermediateSize },
      ...{ heads: shape.headCount, keyValueHeads: shape.keyValueHeadCount ?? shape.headCount },
      ...{ visionWidth: shape.visionHiddenSize, visionLayers: shape.visionLayerCount },
      ...{ visionHeads: shape.visionHeadCount, visionFfn: 4 * shape.visionHiddenSize },
    },
  };
}
