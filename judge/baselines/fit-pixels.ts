/** The pixel baseline of one task: a logistic regression fitted to training examples, each in all orders of its kind. */
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Example } from '../example.ts';
import { kindOf, metricGroups } from '../kinds/table.ts';
import { verdictLabels } from '../tasks/candidates.ts';
import { ordersOf, otherOrders } from '../tasks/reorder.ts';
import { PixelFeatures } from './pixel-features.ts';
import { fitSoftmax, type Labelled, parameterCountOf } from './softmax-regression.ts';

/** Training examples of a task, each order of its kind counted, chosen by seed: bounds time and memory. */
export const fittedCountMax = 4_096;
/** With more, fields are left out. */
const parameterCountMax = 1 << 20;

/** The grey pixels of a picture, by its digest. */
export type PixelsOf = (digest: string) => Promise<Float32Array>;

export interface FittedPixels {
  /** Prompt fields whose values it sees beside the pixels. */
  readonly fields: readonly string[];
  /** The likeliest label of those that the example allows. */
  verdictOf(example: Example, pixelsOf: PixelsOf): Promise<string>;
}

/** Whether every verdict is one of the labels. */
export function isClassified(spec: TaskSpec): boolean {
  return metricGroups(spec).includes('label') && kindOf(spec).classOf === undefined;
}

/** As many of the examples, in their order, as may be fitted in all orders. */
export function fittedOf(drawn: readonly Example[], spec: TaskSpec): readonly Example[] {
  let orderCount = 0;
  const end = drawn.findIndex((example) => (orderCount += ordersOf(example, spec).length) > fittedCountMax);
  return end < 0 ? drawn : drawn.slice(0, end);
}

/** Undefined if no example shows a picture. `turn` is awaited between steps. */
export async function fitPixels(
  examples: readonly Example[],
  spec: TaskSpec,
  pixelsOf: PixelsOf,
  turn: () => Promise<void>,
): Promise<FittedPixels | undefined> {
  const features = fitting(examples, spec);
  if (features.vectorLength === 0) return undefined;
  const fitted: Labelled[] = [];
  for (const example of examples.flatMap((one) => [one, ...otherOrders(one, spec)])) {
    const label = spec.labels.indexOf(example.label);
    if (label >= 0) fitted.push({ ...(await features.of(example, pixelsOf)), label });
  }
  const fit = fitSoftmax(fitted, shapeOf(features, spec));
  let step = fit.next();
  for (; step.done !== true; step = fit.next()) await turn();
  const model = step.value;
  return {
    fields: features.fields,
    async verdictOf(example, pixels) {
      const probabilities = model.probabilities(await features.of(example, pixels));
      // Places beyond the last candidate are no verdicts; labels of all examples come first in the same order.
      return verdictLabels(spec, example).reduce((best, label) => {
        const [own, others] = [label, best].map((one) => probabilities[spec.labels.indexOf(one)] ?? 0);
        return (own ?? 0) > (others ?? 0) ? label : best;
      });
    },
  };
}

function shapeOf({ vectorLength, groupCount }: PixelFeatures, { labels }: TaskSpec) {
  return { vectorLength, groupCount, classCount: labels.length };
}

/** Without the prompt fields if there are too many parameters with them. */
function fitting(examples: readonly Example[], spec: TaskSpec): PixelFeatures {
  const features = new PixelFeatures(examples);
  if (parameterCountOf(shapeOf(features, spec)) <= parameterCountMax) return features;
  return new PixelFeatures(examples, { withFields: false });
}
