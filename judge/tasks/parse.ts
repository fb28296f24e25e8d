/**
 * Strict parser of tagged answers: exactly one rationale (in `think` mode) and exactly one verdict, which equals one of
 * the labels. Anything else is unparsable, with a reason: a lenient parser would reward hedging.
 */
import type { AnswerMode, CompletionText, Judgment, UnparsableReason } from '../example.ts';
import { rationaleTags, verdictTags, type TagPair } from './completion.ts';
import { sectionProblem, sectionText, taggedSections } from './sections.ts';

/** Positions of a tag pair and its content in the text. */
interface Span {
  readonly start: number;
  readonly innerStart: number;
  readonly innerEnd: number;
  readonly end: number;
}

/** The only span of these tags; 'missing' if a tag is absent or they are in the wrong order. */
function spanOf(text: string, { open, close }: TagPair): Span | 'missing' | 'repeated' {
  const start = text.indexOf(open);
  const innerEnd = text.indexOf(close);
  if (start < 0 || innerEnd < 0) return 'missing';
  if (text.includes(open, start + open.length) || text.includes(close, innerEnd + close.length)) return 'repeated';
  if (innerEnd < start) return 'missing';
  return { start, innerStart: start + open.length, innerEnd, end: innerEnd + close.length };
}

function unparsable(reason: UnparsableReason): Judgment {
  return { ok: false, reason };
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

/**
 * Never throws. White space around tags, rationale and verdict is ignored; case is significant. `sections` are those of
 * the rationale, inside its tags.
 */
export function parseCompletion(
  completion: CompletionText,
  isVerdict: (text: string) => boolean,
  mode: AnswerMode,
  sections?: readonly string[],
): Judgment {
  const { text, finishReason } = completion;
  // a truncated completion is not an answer, even if it happens to parse
  if (finishReason === 'length') return unparsable('truncated');
  const rationale = mode === 'think' ? spanOf(text, rationaleTags) : undefined;
  if (typeof rationale === 'string') return unparsable(`rationale-${rationale}`);
  const verdict = spanOf(text, verdictTags);
  if (typeof verdict === 'string') return unparsable(`verdict-${verdict}`);

  const beforeRationale = text.slice(0, rationale?.start ?? 0);
  if (rationale !== undefined && verdict.start < rationale.end) return unparsable('text-outside-tags');
  const between = text.slice(rationale?.end ?? 0, verdict.start);
  if (![beforeRationale, between, text.slice(verdict.end)].every(isBlank)) return unparsable('text-outside-tags');

  const written = rationale === undefined ? '' : text.slice(rationale.innerStart, rationale.innerEnd).trim();
  if (rationale !== undefined && written === '') return unparsable('rationale-missing');
  const said = text.slice(verdict.innerStart, verdict.innerEnd).trim();
  if (said === '' || !isVerdict(said)) return unparsable('verdict-not-a-label');
  if (rationale === undefined || sections === undefined) return { ok: true, verdict: said, rationale: written };
  const inner = taggedSections(sections, written);
  const problem = sectionProblem(sections, inner);
  return problem ?? { ok: true, verdict: said, rationale: sectionText(inner.found), sections: inner.found };
}
