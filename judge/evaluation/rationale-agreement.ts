/**
 * Agreement of rationale and verdict. A rationale's stance is the label whose cue comes last in it; a verdict with
 * another label contradicts it. Cues are words that the recipe declares for each label. Rationales without a stance are
 * counted separately as silent.
 */
import { literalPattern } from '../../core/literal-pattern.ts';
import type { Judgment } from '../example.ts';
import type { Metric } from './metric.ts';

/** Cue words or phrases, by label. */
export type Cues = Readonly<Record<string, readonly string[]>>;

export interface RationaleAgreement {
  /** Number of parsable answers whose rationale has a stance. */
  readonly stanceCount: number;
  /** Share of those whose verdict is another label. */
  readonly contradictionRate: number;
  /** Share of the parsable answers with a rationale that have no stance. */
  readonly silentRate: number;
}

interface RationaleScores {
  /** Present if the recipe has cues for the task. */
  readonly rationales?: RationaleAgreement;
}

export const rationaleScores: Metric<RationaleScores> = ({ judged, cues }) => {
  const judgments = judged.map(({ judgment }) => judgment);
  const rationales = cues && rationaleAgreement(judgments, cues);
  return rationales && { rationales };
};

/**
 * The label whose cue ends last in the text, by whole words and ignoring case; undefined if no cue occurs, or if cues
 * of two labels end at the same position.
 */
export function stanceOf(rationale: string, cues: Cues): string | undefined {
  const ends = Object.entries(cues).map(
    ([label, words]) => [label, Math.max(-1, ...words.map((cue) => lastEnd(rationale, cue)))] as const,
  );
  const last = Math.max(-1, ...ends.map(([, end]) => end));
  const found = ends.filter(([, end]) => end === last && end >= 0);
  return found.length === 1 ? found[0]?.[0] : undefined;
}

function lastEnd(text: string, cue: string): number {
  const escaped = literalPattern(cue.trim());
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'giu');
  return [...text.matchAll(pattern)].reduce((end, { index, 0: found }) => Math.max(end, index + found.length), -1);
}

/** Undefined if no parsable answer has a rationale. */
export function rationaleAgreement(judgments: readonly Judgment[], cues: Cues): RationaleAgreement | undefined {
  const readable = judgments.flatMap((judgment) => (judgment.ok && judgment.rationale !== '' ? [judgment] : []));
  if (readable.length === 0) return undefined;
  const stances = readable.flatMap(({ rationale, verdict }) => {
    const stance = stanceOf(rationale, cues);
    return stance === undefined ? [] : [{ stance, verdict }];
  });
  const contradictions = stances.filter(({ stance, verdict }) => stance !== verdict).length;
  return {
    stanceCount: stances.length,
    contradictionRate: stances.length === 0 ? 0 : contradictions / stances.length,
    silentRate: 1 - stances.length / readable.length,
  };
}
