/** A completion read in the form that its task asks for: one strict reading for each form, the same rules for all. */
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { AnswerMode, CompletionText, Judgment } from '../example.ts';
import { parseCompletion } from './parse.ts';
import { isWithin, nearestLabel, numberOf } from './label-numbers.ts';
import { parseJson } from './parse-json.ts';
import { parseLastLine } from './parse-last-line.ts';

/** What decides how a verdict is read: a part of the task. */
export type VerdictRule = Pick<TaskSpec, 'labels' | 'verdictFormat' | 'real'>;

const parsers = { tagged: parseCompletion, json: parseJson, 'last-line': parseLastLine } as const;

/**
 * Never throws. Exactly one verdict from the labels (`real`: or a number between the first and the last, which is kept
 * as `score` while `verdict` is the nearest label), else unparsable with a reason.
 */
export function readVerdict(completion: CompletionText, rule: VerdictRule, mode: AnswerMode): Judgment {
  const parse = parsers[rule.verdictFormat ?? 'tagged'];
  if (rule.real !== true) return parse(completion, rule.labels, mode);
  const judgment = parse(completion, undefined, mode);
  if (!judgment.ok) return judgment;
  const score = numberOf(judgment.verdict);
  if (score === undefined) return { ok: false, reason: 'verdict-not-a-label' };
  if (!isWithin(score, rule.labels)) return { ok: false, reason: 'verdict-out-of-range' };
  return { ...judgment, verdict: nearestLabel(score, rule.labels), score };
}
