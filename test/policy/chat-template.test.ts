/** Chat templates render as in Python (fixtures by test/fixtures/jinja/generate.py), and never ask the clock. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { loadChatTemplate } from '../../policy/text/chat-template.ts';
import { pythonTemplate } from '../../policy/text/python-template.ts';

interface Fixture {
  readonly messages: readonly object[];
  readonly cases: readonly { readonly template: string; readonly text: string }[];
}
const { messages, cases } = JSON.parse(readFileSync('test/fixtures/jinja/expected.json', 'utf8')) as Fixture;
const folder = mkdtempSync(join(tmpdir(), 'mtrl-template-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(cases)('$template', ({ template, text }) => {
  expect(pythonTemplate(template)({ messages })).toBe(text);
});

test.each([
  "{{ 'a' | wordcount }}",
  '{% break %}',
  "{{ '%s' | format('a') }}",
  '{{ raise_exception("no system turn") }}',
])('what is not known is refused, never left out: %s', async (template) => {
  writeFileSync(join(folder, 'chat_template.jinja'), template);
  const render = await loadChatTemplate(folder, {});
  expect(() => render([])).toThrow('the chat template cannot be rendered');
});

const doubled = (value: string): string =>
  `{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ${value} %}{% endfor %}{{ ns.x }}`;

test.each([
  ['a long range', '{% for x in range(10 ** 9) %}{% endfor %}', 'more than 100000 numbers'],
  ['nested loops', '{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}', 'evaluations'],
  ['a text that doubles', doubled('ns.x ~ ns.x'), 'characters'],
  ['a text added to itself', doubled('ns.x + ns.x'), 'characters'],
  ['a list that doubles', doubled('[ns.x, ns.x]'), 'members'],
  ['an object that doubles', doubled('{"a": ns.x, "b": ns.x}'), 'members'],
  ['a macro that calls itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', ''],
])('a template that never ends is refused: %s', async (_, template, found) => {
  writeFileSync(join(folder, 'chat_template.jinja'), template);
  const render = await loadChatTemplate(folder, {});
  expect(() => render([])).toThrow(
    expect.objectContaining({
      code: 'CHECKPOINT_INVALID',
      details: expect.objectContaining({ found: expect.stringContaining(found) as string }) as object,
    }) as Error,
  );
});

test('the date is that of the recipe, or one that never changes', async () => {
  const template = '{{ strftime_now("%A, %d %b %Y, %-d.%-m.%y %H:%M:%S %p, day %j of week %U") }}';
  writeFileSync(join(folder, 'chat_template.jinja'), template);
  const render = await loadChatTemplate(folder, {});
  // Compared with datetime.strftime of Python 3.11.
  const fixed = 'Friday, 26 Jul 2024, 26.7.24 00:00:00 AM, day 208 of week 29';
  expect(render([])).toBe(fixed);
  expect(render([], '2026-12-31')).toBe('Thursday, 31 Dec 2026, 31.12.26 00:00:00 AM, day 365 of week 52');
  vi.useFakeTimers({ now: new Date('2031-05-05T23:59:59Z') });
  expect(render([])).toBe(fixed);
  vi.useRealTimers();
  writeFileSync(join(folder, 'chat_template.jinja'), '{{ strftime_now("%q") }}');
  const unknown = await loadChatTemplate(folder, {});
  expect(() => unknown([])).toThrow('the chat template cannot be rendered');
});
