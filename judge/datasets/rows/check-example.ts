/** Checks that an example is usable: its prompt can be rendered, and its own target can be parsed. */
import { MtrlError } from '../../../core/errors.ts';
import type { TaskSpec } from '../../../recipes/recipe.ts';
import type { AnswerMode, Example } from '../../example.ts';
import { targetText } from '../../tasks/completion.ts';
import { isLabel } from '../../kinds/table.ts';
import { ruleFor } from '../../tasks/candidates.ts';
import { readVerdict } from '../../tasks/read-verdict.ts';
import { renderPrompt, type ModeWords } from '../../tasks/prompt.ts';
import { unparsableText } from '../../evaluation/unparsable.ts';
import { UnusableRow } from '../reading.ts';

const modes: readonly AnswerMode[] = ['think', 'direct'];

function checkPrompt(example: Example, task: TaskSpec, modeWords: ModeWords): void {
  try {
    for (const mode of modes) renderPrompt(task, example, mode, modeWords);
  } catch (error) {
    if (error instanceof MtrlError && error.code === 'PROMPT_INVALID')
      throw new UnusableRow('PROMPT_INVALID', error.message);
    throw error;
  }
}

/** Throws UnusableRow: LABEL_UNKNOWN or PROMPT_INVALID. */
export function checkExample(example: Example, task: TaskSpec, modeWords: ModeWords): void {
  if (!isLabel(ruleFor(task, example), example.label)) {
    throw new UnusableRow('LABEL_UNKNOWN', `${example.label} is not one of ${task.labels.join(', ')}`);
  }
  checkPrompt(example, task, modeWords);
  if (example.rationale === undefined) return;
  const text = targetText(example, 'think', task.verdictFormat);
  const judgment = readVerdict({ text, finishReason: 'stop' }, ruleFor(task, example), 'think');
  if (!judgment.ok)
    throw new UnusableRow('PROMPT_INVALID', `an answer with this rationale is unparsable: ${unparsableText(judgment)}`);
}
