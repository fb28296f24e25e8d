/**
 * L-BFGS (Nocedal & Wright 2006, algorithm 7.4): minimizes a smooth convex function. Deterministic. Yields before each
 * evaluation of the function, so that the caller can do other work in between.
 */

/** The value at the point; writes the gradient. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

export interface LbfgsOptions {
  readonly iterationCountMax: number;
  /** Ends when no component of the gradient is larger. */
  readonly gradientMax: number;
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly rho: number;
}

const pairCount = 10;
/** Armijo's condition. */
const decreaseShare = 1e-4;
const halvingCountMax = 40;

/** Returns the minimum, or the last point if the iterations are used up. */
export function* minimize(
  objective: Objective,
  start: Float64Array,
  { iterationCountMax, gradientMax }: LbfgsOptions,
): Generator<void, Float64Array> {
  let point: Float64Array = Float64Array.from(start);
  let gradient: Float64Array = new Float64Array(point.length);
  yield;
  let value = objective(point, gradient);
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < iterationCountMax; iteration++) {
    if (gradient.every((each) => Math.abs(each) <= gradientMax)) return point;
    const direction = directionOf(gradient, pairs);
    const slope = dot(direction, gradient);
    // The first direction is the gradient itself, whose length says nothing of the distance.
    let length = pairs.length === 0 ? 1 / Math.max(1, Math.sqrt(dot(gradient, gradient))) : 1;
    let found: { readonly point: Float64Array; readonly gradient: Float64Array; readonly value: number } | undefined;
    for (let halving = 0; halving < halvingCountMax && found === undefined; halving++, length /= 2) {
      const next = point.map((each, i) => each + length * (direction[i] as number));
      const nextGradient = new Float64Array(next.length);
      yield;
      const nextValue = objective(next, nextGradient);
      if (nextValue <= value + decreaseShare * length * slope)
        found = { point: next, gradient: nextGradient, value: nextValue };
    }
    // No step is shorter than what rounding hides: this is the minimum.
    if (found === undefined) return point;
    const [before, gradientBefore] = [point, gradient];
    const step = found.point.map((each, i) => each - (before[i] as number));
    const change = found.gradient.map((each, i) => each - (gradientBefore[i] as number));
    const curvature = dot(step, change);
    if (curvature > 0) pairs.push({ step, change, rho: 1 / curvature });
    if (pairs.length > pairCount) pairs.shift();
    ({ point, gradient, value } = found);
  }
  return point;
}

/** The two loops: minus the approximate inverse Hessian times the gradient. */
function directionOf(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((each) => -each);
  const shares: number[] = [];
  for (const { step, change, rho } of [...pairs].reverse()) {
    const share = rho * dot(step, direction);
    shares.unshift(share);
    add(direction, change, -share);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.change, last.change));
    direction.forEach((each, i) => (direction[i] = each * scale));
  }
  pairs.forEach(({ step, change, rho }, i) => {
    add(direction, step, (shares[i] as number) - rho * dot(change, direction));
  });
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(to: Float64Array, of: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + times * (of[i] as number);
}
