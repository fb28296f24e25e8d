/** Holm's step-down correction (1979): p-values of several tests, raised so that one false claim among them stays as rare as in one test. */

/** In the order given; as `statsmodels.multipletests(method='holm')`. */
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
