/** From values to places on a chart. */
export interface Point {
  readonly step: number;
  readonly value: number;
  /** A band around the line. */
  readonly low?: number;
  readonly high?: number;
}

export interface Scale {
  readonly range: readonly [number, number];
  at(value: number): number;
  /** The value at a place. */
  from(place: number): number;
}

export function scaleOf(values: readonly number[], [start, end]: readonly [number, number]): Scale {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low === high) [low, high] = [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  const perUnit = (end - start) / (high - low);
  return {
    range: [low, high],
    at: (value) => Math.round((start + (value - low) * perUnit) * 100) / 100,
    from: (place) => low + (place - start) / perUnit,
  };
}

/** Three to six round values in the range. */
export function ticksOf([low, high]: readonly [number, number], areWhole = false): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].find((each) => each * power >= rough) ?? 10;
  const between = areWhole ? Math.max(1, Math.round(unit * power)) : unit * power;
  const first = Math.ceil(low / between - 1e-9);
  const count = Math.floor(high / between + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * between).toPrecision(12)));
}

/** Centred moving mean over a twentieth of the points on either side, as in the report. */
export function smoothed(points: readonly Point[]): Point[] {
  const reach = Math.max(2, Math.round(points.length / 20));
  return points.map(({ step }, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return { step, value: near.reduce((sum, { value }) => sum + value, 0) / near.length };
  });
}
