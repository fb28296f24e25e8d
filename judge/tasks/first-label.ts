/**
 * Lenient reading, for evaluation alone: the label that stands first in an answer, after the rationale if that was closed.
 * Pretrained models answer in sentences. As a reward it would pay for naming every label.
 */
import { literalPattern } from '../../core/literal-pattern.ts';
import type { CompletionText, Judgment } from '../example.ts';
import { kindOf } from '../kinds/table.ts';
import { rationaleTags } from './completion.ts';
import type { VerdictRule } from './read-verdict.ts';

/**
 * Labels are words of their own, in any case; of labels that start at one place the longest counts. Score tasks with
 * `real` take the first number. An answer that was cut off is read, too.
 */
export function readFirstLabel({ text }: CompletionText, rule: VerdictRule): Judgment {
  const closed = text.lastIndexOf(rationaleTags.close);
  const answer = closed < 0 ? text : text.slice(closed + rationaleTags.close.length);
  const rationale = closed < 0 ? '' : text.slice(0, closed).replace(rationaleTags.open, '').trim();
  const read = kindOf(rule).verdictReader?.(rule);
  if (read === undefined) {
    const label = firstLabel(answer, rule.labels);
    return label === undefined ? { ok: false, reason: 'verdict-missing' } : { ok: true, rationale, verdict: label };
  }
  const found = [answer.trim(), ...openVerdicts.flatMap((pattern) => pattern.exec(answer)?.[0] ?? [])].map(read);
  const verdict = found.find((one) => typeof one !== 'string') ?? found.at(1) ?? 'verdict-missing';
  return typeof verdict === 'string' ? { ok: false, reason: verdict } : { ok: true, rationale, ...verdict };
}

/** What a verdict that is no label looks like: a ranking, or a number. */
const openVerdicts = [/[^\s>]+(?:\s*>\s*[^\s>]+)+/, /-?\d+(?:\.\d+)?/] as const;

function firstLabel(text: string, labels: readonly string[]): string | undefined {
  const found = labels.flatMap((label) => {
    const at = text.search(
      new RegExp(`(?<![\\p{L}\\p{N}]|[-.](?=\\d))${literalPattern(label)}(?![\\p{L}\\p{N}]|\\.\\d)`, 'iu'),
    );
    return at < 0 ? [] : [{ label, at }];
  });
  found.sort((a, b) => a.at - b.at || b.label.length - a.label.length);
  return found[0]?.label;
}
