/**
 * Scores of numbers as functions of sums over the parsable answers, which begin at `start`: their count, and the sums of
 * given, said, given², said², given x said, |said - given|. NaN where a score is not defined.
 */
export const numberSumCount = 7;

export interface GivenAndSaid {
  readonly given: number;
  readonly said: number;
}

export function addNumbers(sums: Float64Array, start: number, { given, said }: GivenAndSaid): void {
  const parts = [1, given, said, given ** 2, said ** 2, given * said, Math.abs(said - given)];
  for (const [i, value] of parts.entries()) sums[start + i] = (sums[start + i] as number) + value;
}

type NumberScore = (sums: Float64Array, start: number) => number;

/** Mean absolute error (evaluation/absolute-error.ts). */
const absoluteError: NumberScore = (sums, start) => (sums[start + 6] as number) / (sums[start] as number);

/** Krippendorff's alpha with squared distances, of judge and label (statistics/krippendorff.ts). */
const krippendorffAlpha: NumberScore = (sums, start) => {
  const at = (i: number): number => sums[start + i] as number;
  const [ratingCount, sum, squares] = [2 * at(0), at(1) + at(2), at(3) + at(4)];
  const observed = squares - 2 * at(5);
  const expected = ratingCount * squares - sum ** 2;
  return expected > 0 ? 1 - (observed * (ratingCount - 1)) / expected : NaN;
};

export const numberScores = { absoluteError, krippendorffAlpha } as const satisfies Readonly<
  Record<string, NumberScore>
>;
export const numberScoreNames = Object.keys(numberScores) as (keyof typeof numberScores)[];
