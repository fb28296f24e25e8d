/** Results of probes, other prompts and samples: one line per task and variant. */
import type { TaskScores } from '../../contract/activities.ts';
import type { VariantScores } from '../../judge/evaluation/task-scores.ts';

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
        : `${comparedText(scores)} strict, same verdict ${points(scores.sameVerdictRate)}`,
    ]),
  ]);
  const width = (column: number): number => Math.max(0, ...rows.map((row) => (row[column] ?? '').length));
  return rows.map(([task = '', name = '', text = '']) => `${task.padEnd(width(0))}  ${name.padEnd(width(1))}  ${text}`);
}

/** Macro-F1; accuracy where verdicts are no classes. */
function comparedText({
  macroF1,
  strictMacroF1,
  accuracy,
  strictAccuracy,
}: NonNullable<VariantScores['scores']>): string {
  if (macroF1 === undefined) return `accuracy ${points(accuracy)} against ${points(strictAccuracy ?? 0)}`;
  return `${points(macroF1)} against ${points(strictMacroF1 ?? 0)}`;
}

const points = (value: number): string => (value * 100).toFixed(1);
