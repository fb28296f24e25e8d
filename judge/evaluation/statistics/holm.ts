/** Holm's step-down correction (1979): adjusts the p-values of several tests to control the family-wise error rate. */

/** Adjusted p-values in input order, as `statsmodels.multipletests(method='holm')`. */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const adjusted = pValues.map(() => 1);
  const order = pValues.map((p, i) => [p, i] as const).sort(([a, i], [b, j]) => a - b || i - j);
  let largest = 0;
  order.forEach(([p, index], rank) => {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)));
    adjusted[index] = largest;
  });
  return adjusted;
}
