/** Strict parser of answers whose last line is the verdict alone; the lines above are the rationale. */
import type { AnswerMode, CompletionText, Judgment, UnparsableReason } from '../example.ts';
import { lineSections, sectionProblem, sectionText } from './sections.ts';

function unparsable(reason: UnparsableReason): Judgment {
  return { ok: false, reason };
}

/**
 * Never throws. A rationale line that is itself a verdict makes the answer unparsable (`verdict-repeated`).
 */
export function parseLastLine(
  { text, finishReason }: CompletionText,
  isVerdict: (text: string) => boolean,
  mode: AnswerMode,
  sections?: readonly string[],
): Judgment {
  if (finishReason === 'length') return unparsable('truncated');
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const verdict = lines.pop();
  if (verdict === undefined) return unparsable('verdict-missing');
  if (!isVerdict(verdict)) return unparsable('verdict-not-a-label');
  if (lines.some(isVerdict)) return unparsable('verdict-repeated');
  if (mode === 'direct' && lines.length > 0) return unparsable('text-outside-form');
  if (mode === 'think' && lines.length === 0) return unparsable('rationale-missing');
  const rationale = lines.join('\n');
  if (mode === 'direct' || sections === undefined) return { ok: true, verdict, rationale };
  const inner = lineSections(sections, rationale);
  const problem = sectionProblem(sections, inner);
  return problem ?? { ok: true, verdict, rationale: sectionText(inner.found), sections: inner.found };
}
