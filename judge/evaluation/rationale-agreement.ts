/**
 * Does a rationale lead to its verdict? A rationale's stance is the label whose cue comes last in it; a verdict of
 * another label contradicts it. Cues are words that the recipe declares for each label: a rationale that holds none of
 * them is silent, and is counted apart.
 */
import type { Judgment } from '../example.ts';

/** Words or phrases by label. */
export type Cues = Readonly<Record<string, readonly string[]>>;

export interface RationaleAgreement {
  /** Readable answers whose rationale takes a stance. */
  readonly stanceCount: number;
  /** Of those: the verdict is another label. */
  readonly contradictionRate: number;
  /** Of all readable answers: no stance. */
  readonly silentRate: number;
}

/** The label whose cue ends last in the text, as whole words, ignoring case; undefined if there is none, or if two end together. */
export function stanceOf(rationale: string, cues: Cues): string | undefined {
  const ends = Object.entries(cues).map(
    ([label, words]) => [label, Math.max(-1, ...words.map((cue) => lastEnd(rationale, cue)))] as const,
  );
  const last = Math.max(-1, ...ends.map(([, end]) => end));
  const found = ends.filter(([, end]) => end === last && end >= 0);
  return found.length === 1 ? found[0]?.[0] : undefined;
}

function lastEnd(text: string, cue: string): number {
  const escaped = cue.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'giu');
  return [...text.matchAll(pattern)].reduce((end, { index, 0: found }) => Math.max(end, index + found.length), -1);
}

/** Undefined when no answer can be read. */
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
