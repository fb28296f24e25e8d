/** The parts of `kit/check`: what each one is, and what came of it. */
import type { Json } from '../../core/json.ts';

export type PartStatus =
  /** Everything that it compared agreed. */
  | 'agreed'
  /** Something that it compared did not. */
  | 'differs'
  /** It has nothing to compare. */
  | 'done'
  /** Its process crashed or reported an error. */
  | 'failed'
  /** It ran out of time. What it compared until then agreed. */
  | 'stopped'
  /** This machine cannot run it. */
  | 'left out';

export interface PartResult {
  readonly name: string;
  readonly status: PartStatus;
  /** A line for people: figures, or the reason of a status. */
  readonly found: string;
  readonly seconds: number;
  /** What its program printed, a value a line. */
  readonly lines: readonly Json[];
}

/** What a part's lines say. */
export interface Reading {
  readonly found: string;
  /** Whether anything was compared with something else. */
  readonly hasCompared: boolean;
  /** What did not agree. */
  readonly problems: readonly string[];
}

export interface Part {
  readonly name: string;
  readonly program: URL;
  /** @param seconds after which it should end by itself */
  readonly args: (seconds: number) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Share of the time that is left, relative to that of the parts after it. */
  readonly weight: number;
  /** Why this machine cannot run it. */
  readonly leftOut?: string;
  readonly read: (lines: readonly Json[]) => Reading;
}

/** Time that the part at `index` may take: unused time goes to the parts after it. */
export function limitMsOf(
  parts: readonly Pick<Part, 'weight' | 'leftOut'>[],
  index: number,
  remainingMs: number,
): number {
  const weights = parts.slice(index).map(({ weight, leftOut }) => (leftOut === undefined ? weight : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return sum === 0 ? 0 : (Math.max(0, remainingMs) * (weights[0] ?? 0)) / sum;
}
