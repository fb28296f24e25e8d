/**
 * How the time of a GRPO step grows with the model, the group and the prompt, next to the FLOP model's line: the FLOPs
 * of the step at one speed for all points. Draws docs/figures/scaling.svg.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadCount } from './compare.ts';
import { rolloutFlops, trainFlops } from './flops.ts';
import { type Work, openOurStep, usualWork } from './our-step.ts';
import { drawScaling } from './scaling-plot.ts';
import type { Shape } from './shapes.ts';
import { median, rounded } from './statistics.ts';

const roundCount = 3;
const usualShape: Shape = {
  hiddenSize: 256,
  layerCount: 6,
  headCount: 4,
  intermediateSize: 704,
  vocabularySize: 1024,
  visionHiddenSize: 128,
  visionLayerCount: 4,
  visionHeadCount: 4,
};
const work: Work = { ...usualWork, promptCount: 4, isFixedLength: true };

const widths = [128, 192, 256, 320, 384];
const groupSizes = [4, 8, 16, 24, 32];
const promptTokenCounts = [62, 126, 254, 382, 446];

export interface Point {
  readonly sweep: 'width' | 'group size' | 'prompt tokens';
  readonly at: number;
  readonly gigaflopCount: number;
  readonly stepMs: number;
}

export async function bench(log: (line: string) => void) {
  const points: Point[] = [];
  const measure = async (sweep: Point['sweep'], at: number, shape: Shape, each: Work): Promise<void> => {
    const stepMs = await stepTime(shape, each);
    const gigaflopCount = (rolloutFlops(shape, each) + trainFlops(shape, each)) / 1e9;
    points.push({ sweep, at, gigaflopCount, stepMs });
    log(`${sweep} ${at}: ${stepMs.toFixed(0)} ms, ${(gigaflopCount / stepMs) * 1000} GF/s`);
  };
  for (const width of widths) await measure('width', width, scaledTo(width), work);
  for (const groupSize of groupSizes) await measure('group size', groupSize, usualShape, { ...work, groupSize });
  for (const promptTokenCount of promptTokenCounts)
    await measure('prompt tokens', promptTokenCount, usualShape, { ...work, promptTokenCount });
  const larger = points.filter(isOfLargerHalf);
  const gigaflopsPerMs = median(larger.map(({ gigaflopCount, stepMs }) => gigaflopCount / stepMs));
  const lineMs = ({ gigaflopCount }: Point): number => gigaflopCount / gigaflopsPerMs;
  const file = fileURLToPath(new URL('../docs/figures/scaling.svg', import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, drawScaling(points.map((point) => ({ ...point, lineMs: lineMs(point) }))));
  return {
    threadCount,
    roundCount,
    gigaflopsPerSecond: rounded(gigaflopsPerMs * 1000),
    largerHalfOffLineMax: rounded(Math.max(...larger.map((point) => Math.abs(point.stepMs / lineMs(point) - 1)))),
    points: points.map((point) => ({
      ...point,
      gigaflopCount: rounded(point.gigaflopCount),
      stepMs: rounded(point.stepMs),
      lineMs: rounded(lineMs(point)),
    })),
    file,
  };
}

async function stepTime(shape: Shape, each: Work): Promise<number> {
  const ours = await openOurStep(shape, each, { threadCount });
  const ms: number[] = [];
  // The first round compiles the graphs.
  for (let round = 0; round <= roundCount; round++) {
    const startedAtMs = performance.now();
    await ours.train(await ours.rollout());
    if (round > 0) ms.push(performance.now() - startedAtMs);
  }
  await ours.close();
  return median(ms);
}

/** The usual shape scaled to a width: heads of 64, feed-forward size in the usual proportion. */
function scaledTo(width: number): Shape {
  const ratio = usualShape.intermediateSize / usualShape.hiddenSize;
  return { ...usualShape, hiddenSize: width, headCount: width / 64, intermediateSize: Math.round(width * ratio) };
}

function isOfLargerHalf({ sweep, at }: Point): boolean {
  const values = { width: widths, 'group size': groupSizes, 'prompt tokens': promptTokenCounts }[sweep];
  return at >= median(values);
}
