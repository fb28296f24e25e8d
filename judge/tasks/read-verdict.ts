/** Parses a completion in the verdict format of its task: one strict parser per format, the same rules for all. */
import type { KindedTask } from '../../recipes/fields/task-fields.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { AnswerMode, CompletionText, Judgment } from '../example.ts';
import { parseCompletion } from './parse.ts';
import { kindOf } from '../kinds/table.ts';
import { parseJson } from './parse-json.ts';
import { parseLastLine } from './parse-last-line.ts';

/** The parts of a task that determine how its verdicts are parsed. */
export type VerdictRule = KindedTask & Pick<TaskSpec, 'verdictFormat' | 'sections'>;

const parsers = { tagged: parseCompletion, json: parseJson, 'last-line': parseLastLine } as const;

/**
 * Never throws. Accepts exactly one verdict: a label, or another value that the task's kind allows (score tasks with
 * `real`: any number between the first and the last label, returned as `score` with the nearest label as `verdict`;
 * rankings: each label once); in `think` mode, the sections of the task. Anything else is unparsable, with a reason.
 */
export function readVerdict(completion: CompletionText, rule: VerdictRule, mode: AnswerMode): Judgment {
  const parse = parsers[rule.verdictFormat ?? 'tagged'];
  const read = kindOf(rule).verdictReader?.(rule);
  if (read === undefined) return parse(completion, (text) => rule.labels.includes(text), mode, rule.sections);
  const judgment = parse(completion, (text) => read(text) !== 'verdict-not-a-label', mode, rule.sections);
  if (!judgment.ok) return judgment;
  const verdict = read(judgment.verdict);
  return typeof verdict === 'string' ? { ok: false, reason: verdict } : { ...judgment, ...verdict };
}
