/** Results of probes, other prompts and samples: one line per task and variant. */
import type { TaskScores } from '../../contract/activities.ts';

export function variantLines(all: readonly TaskScores[]): string[] {
  const rows = all.flatMap(({ task, variants = [], samples }) => [
    ...(samples
      ? [
          [
            task,
            `${String(samples.sampleCount)} samples`,
            `pass@1 ${points(samples.passAt1)}, maj@k ${points(samples.majAtK)}, agreement ${points(samples.agreement)}`,
          ],
        ]
      : []),
    ...variants.map(({ name, refused, scores }) => [
      task,
      name,
      scores === undefined
        ? `not asked: ${refused ?? ''}`
        : `${points(scores.macroF1)} against ${points(scores.strictMacroF1)} strict, same verdict ${points(scores.sameVerdictRate)}`,
    ]),
  ]);
  const width = (column: number): number => Math.max(0, ...rows.map((row) => (row[column] ?? '').length));
  return rows.map(([task = '', name = '', text = '']) => `${task.padEnd(width(0))}  ${name.padEnd(width(1))}  ${text}`);
}

const points = (value: number): string => (value * 100).toFixed(1);
