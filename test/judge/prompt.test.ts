import { describe, expect, test } from 'vitest';
import type { Example } from '../../judge/example.ts';
import { renderPrompt, systemMessages } from '../../judge/tasks/prompt.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const modeWords = { think: 'think', direct: 'directly' };
const task = (prompt: string): TaskSpec => ({ kind: 'pairwise', labels: ['first', 'second'], prompt, ood: false });

function example(parts: Partial<Example> = {}): Example {
  return {
    id: 'pair/test/1',
    task: 'pair',
    split: 'test',
    images: ['a'.repeat(64), 'b'.repeat(64)],
    fields: { caption: 'red circle blue square' },
    label: 'first',
    groupKey: 'g',
    ...parts,
  };
}

const invalid = (message: RegExp): Error =>
  expect.objectContaining({ code: 'PROMPT_INVALID', message: expect.stringMatching(message) as string }) as Error;

describe('prompts', () => {
  test('place images as in the template, and trim the text between them', () => {
    const prompt =
      'image first <image>\n image second <image> which fits the caption : {{ caption }} ? {{ mode_word }}\n';
    expect(renderPrompt(task(prompt), example(), 'direct', modeWords)).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'image first' },
          { type: 'image' },
          { type: 'text', text: 'image second' },
          { type: 'image' },
          {
            type: 'text',
            text: 'which fits the caption : red circle blue square ? directly',
            rows: [[25, 47]],
          },
        ],
      },
    ]);
  });

  test('have a system message if the task gives one', () => {
    const asked = { ...task('<image> <image>'), system: 'You judge pictures.' };
    const content = [{ type: 'text', text: 'You judge pictures.' }];
    expect(systemMessages(asked)).toEqual([{ role: 'system', content }]);
    expect(systemMessages(task('<image> <image>'))).toEqual([]);
  });

  test('add no text where the template has only white space', () => {
    const [message] = renderPrompt(task('<image> <image>'), example(), 'think', modeWords);
    expect(message?.content).toEqual([{ type: 'image' }, { type: 'image' }]);
  });

  test.each([
    ['a field that the example lacks', '<image><image> {{ colour }}', /colour is undefined/],
    ['a member that the field lacks', '<image><image> {{ caption.words }}', /words is undefined/],
    ['too few images', '<image> {{ caption }}', /has 1 images, the example has 2/],
    ['too many images', '<image><image><image>', /has 3 images/],
    ['text that is not Jinja', '<image><image> {{ caption', /cannot be rendered/],
  ])('refuse %s', (_, prompt, message) => {
    expect(() => renderPrompt(task(prompt), example(), 'think', modeWords)).toThrow(invalid(message));
  });

  test('treat an image mark in a field as text of the row', () => {
    const marked = example({ fields: { caption: 'a <image> b' } });
    const [message] = renderPrompt(task('<image><image> is {{ caption }} ?'), marked, 'think', modeWords);
    expect(message?.content).toEqual([
      { type: 'image' },
      { type: 'image' },
      { type: 'text', text: 'is a <image> b ?', rows: [[3, 14]] },
    ]);
    expect(() => renderPrompt(task('<image> {{ caption }}'), marked, 'think', modeWords)).toThrow(
      invalid(/has 1 images, the example has 2; <image> in the row's fields is text, unless imageMark/),
    );
    expect(() => renderPrompt(task('<image> {{ caption }}'), example(), 'think', modeWords)).toThrow(
      invalid(/the example has 2$/),
    );
  });

  test('show images for marks that the template computes; a row cannot complete a mark', () => {
    const prompt =
      '{% set mark = "<image>" %}{% macro shown() %}{% for i in [1] %}{{ mark }}{% endfor %}{% endmacro %}' +
      '{{ shown() }}{{ "<image> " ~ caption if caption else "" }}<im{{ part }}';
    const fields = { caption: 'a <image>', part: 'age>' };
    const [message] = renderPrompt(task(prompt), example({ fields }), 'think', modeWords);
    expect(message?.content).toEqual([
      { type: 'image' },
      { type: 'image' },
      {
        type: 'text',
        text: 'a <image><image>',
        rows: [
          [0, 9],
          [12, 16],
        ],
      },
    ]);
  });

  test('let a template test whether a field exists; a false or empty one exists', () => {
    const prompt =
      '<image><image> {{ hint | default("no hint") }}{% if hint is defined %} ({{ hint }}){% endif %} {{ empty }}';
    const [message] = renderPrompt(task(prompt), example({ fields: { empty: '' } }), 'think', modeWords);
    expect(message?.content.at(-1)).toEqual({ type: 'text', text: 'no hint' });
  });
});
