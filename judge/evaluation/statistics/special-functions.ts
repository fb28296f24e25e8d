/** Distribution tails for the significance tests; relative error below 1e-12 where they are used. */
import { assert } from '../../../core/assert.ts';

/** Lanczos, g = 7, n = 9 (Godfrey's coefficients). */
const lanczos: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x), x >= 0.5. */
function logGamma(x: number): number {
  const shifted = x - 1;
  const series = lanczos.reduce((sum, each, i) => sum + (i === 0 ? each : each / (shifted + i)), 0);
  const t = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(series);
}

/**
 * P(X >= x) of a chi-square variable with one degree of freedom: erfc(sqrt(x / 2)), as a regularized incomplete gamma.
 */
export function chiSquareTail(x: number): number {
  assert(x >= 0, `chi-square of ${x}`);
  return upperGamma(0.5, x / 2);
}

/** Regularized Q(a, x): the series of P below a + 1, Lentz's continued fraction above (Numerical Recipes, 6.2). */
function upperGamma(a: number, x: number): number {
  if (x === 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - sum * scale;
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < 1000; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    const change = c * d;
    h *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return scale * h;
}

/** P(X <= k) for the number X of heads in n fair coin tosses. */
export function fairCoinTail(k: number, n: number): number {
  assert(k >= 0 && k <= n, `${k} of ${n} coins`);
  // Sums from the largest term down: each term is the previous one times i / (n - i + 1).
  const logTop = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) - n * Math.LN2;
  let term = 1;
  let sum = 1;
  for (let i = k; i > 0 && term > sum * 1e-18; i--) {
    term *= i / (n - i + 1);
    sum += term;
  }
  return Math.min(1, sum * Math.exp(logTop));
}
