/** Labels of a score: whole numbers, or round steps over the range of the numbers. */
import type { NumberRange } from '../facts/column-facts.ts';

const stepCountMax = 10;
const factors = [1, 2, 5];

/** At most eleven labels, the least first, which contain the range. */
export function labelsOfNumbers(
  { min, max, isWhole }: NumberRange,
  wholeLabelMax: number,
): { labels: string[]; isReal: boolean } {
  if (isWhole && max - min < wholeLabelMax) return { labels: stepped(min, 1, max - min + 1, 0), isReal: false };
  const step = roundStep((max - min) / stepCountMax, max - min >= 2);
  const from = Math.floor(min / step + 1e-9);
  const to = Math.ceil(max / step - 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { labels: stepped(from * step, step, to - from + 1, digits), isReal: true };
}

/** The least of 1, 2 and 5 times a power of ten that is not less; whole where the range has room for it. */
function roundStep(least: number, preferWhole: boolean): number {
  if (preferWhole && least <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [...factors, 10].find((each) => each * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function stepped(from: number, step: number, count: number, digits: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const text = (from + i * step).toFixed(digits);
    return Number(text) === 0 ? (0).toFixed(digits) : text;
  });
}
