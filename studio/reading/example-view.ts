/** An example as the judge was shown it: texts and pictures of its prompt, in order. */
import { required } from '../../core/assert.ts';
import type { AnswerMode, Example } from '../../judge/example.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import { shownExample } from '../../pipeline/data/shown-example.ts';
import type { Prompting } from '../../pipeline/policies/step-record.ts';
import { taskOf } from '../../pipeline/recipe-access.ts';
import type { ExampleView, PromptPart } from '../api.ts';

/** @param order the order of candidates that was shown */
export function exampleView(
  stored: Example,
  exampleIndex: number,
  order: { readonly swapped?: boolean; readonly order?: number },
  { tasks, modeWords }: Pick<Prompting, 'tasks' | 'modeWords'>,
  mode: AnswerMode,
): ExampleView {
  const spec = taskOf({ tasks }, stored.task);
  const example = shownExample(stored, order, spec);
  let image = 0;
  const prompt = renderPrompt(spec, example, mode, modeWords).flatMap(({ content }) =>
    content.map((part): PromptPart => {
      if (part.type === 'text') return { text: part.text };
      return { image: required(example.images[part.image ?? image++], 'an image of the example') };
    }),
  );
  const { id: exampleId, task, split, label, votes } = example;
  return { exampleIndex, exampleId, task, split, label, prompt, ...(votes && { votes }) };
}
