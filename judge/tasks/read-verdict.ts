/** A completion read in the form that its task asks for: one strict reading for each form, the same rules for all. */
import type { KindedTask } from '../../recipes/fields/task-fields.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { AnswerMode, CompletionText, Judgment } from '../example.ts';
import { parseCompletion } from './parse.ts';
import { kindOf } from '../kinds/table.ts';
import { parseJson } from './parse-json.ts';
import { parseLastLine } from './parse-last-line.ts';

/** What decides how a verdict is read: a part of the task. */
export type VerdictRule = KindedTask & Pick<TaskSpec, 'verdictFormat'>;

const parsers = { tagged: parseCompletion, json: parseJson, 'last-line': parseLastLine } as const;

/**
 * Never throws. Exactly one verdict from the labels, or what the task's kind takes beyond them (a real score: any number
 * between the first and the last, kept as `score` while `verdict` is the nearest label), else unparsable with a reason.
 */
export function readVerdict(completion: CompletionText, rule: VerdictRule, mode: AnswerMode): Judgment {
  const parse = parsers[rule.verdictFormat ?? 'tagged'];
  const read = kindOf(rule).verdictReader?.(rule);
  if (read === undefined) return parse(completion, rule.labels, mode);
  const judgment = parse(completion, undefined, mode);
  if (!judgment.ok) return judgment;
  const verdict = read(judgment.verdict);
  return typeof verdict === 'string' ? { ok: false, reason: verdict } : { ...judgment, ...verdict };
}
