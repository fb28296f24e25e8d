/**
 * Krippendorff's alpha (2011, "Computing Krippendorff's alpha-reliability"): agreement of any number of raters beyond
 * chance, where not everyone rated everything; as the `krippendorff` package computes it.
 */

/** Ratings of one unit: value -> number of raters who gave it. Values are numbers as text where distances count. */
export type UnitRatings = ReadonlyMap<string, number>;

/** nominal: two values are the same or not. interval: their squared distance counts. */
export type AlphaLevel = 'nominal' | 'interval';

/** In (-1, 1]; undefined if no unit has two ratings, and if all ratings are the same. Units with one rating do not count. */
export function krippendorffAlpha(units: readonly UnitRatings[], level: AlphaLevel): number | undefined {
  const disagreement = level === 'nominal' ? nominalDisagreement : intervalDisagreement;
  const pooled = new Map<string, number>();
  let observed = 0;
  for (const unit of units) {
    const count = ratingCount(unit);
    if (count < 2) continue;
    observed += disagreement(unit) / (count - 1);
    for (const [value, times] of unit) pooled.set(value, (pooled.get(value) ?? 0) + times);
  }
  const expected = disagreement(pooled) / (ratingCount(pooled) - 1);
  return expected > 0 ? 1 - observed / expected : undefined;
}

function ratingCount(ratings: UnitRatings): number {
  let count = 0;
  for (const times of ratings.values()) count += times;
  return count;
}

/** Ordered pairs of ratings that differ: n² - sum of n_c². */
function nominalDisagreement(ratings: UnitRatings): number {
  let same = 0;
  for (const times of ratings.values()) same += times ** 2;
  return ratingCount(ratings) ** 2 - same;
}

/** Squared distances over all ordered pairs of ratings: 2 (n sum of c² - (sum of c)²). */
function intervalDisagreement(ratings: UnitRatings): number {
  // Distances from one of the values: equal ratings give exactly 0.
  const [[origin] = ['0']] = ratings;
  let [count, sum, squares] = [0, 0, 0];
  for (const [value, times] of ratings) {
    const distance = Number(value) - Number(origin);
    count += times;
    sum += times * distance;
    squares += times * distance ** 2;
  }
  return 2 * (count * squares - sum ** 2);
}
