/** Chat templates of checkpoints: damaged ones, and ones of the grammar of Jinja. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { loadChatTemplate } from '../../../policy/text/chat-template.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearBytes } from '../near-bytes.ts';

const wholes = ['text-models/qwen2/chat_template.jinja', 'smolvlm/model/chat_template.jinja'];
const words = [
  '{{',
  '}}',
  '{%',
  '%}',
  '{#',
  '-%}',
  '{% for x in messages %}',
  '{% endfor %}',
  '{% break %}',
  ' | ',
  "'",
  '[',
  '](',
  '**',
];

const names = fc.constantFrom(
  'messages',
  'x',
  'loop',
  'none',
  'true',
  'missing',
  'range',
  'namespace',
  'self',
  '__proto__',
);
const numbers = fc.constantFrom('0', '1', '-1', '3', '1.5', '1e9', '999999999999', '9007199254740993');
const filters = fc.constantFrom(
  ...['length', 'tojson', 'upper', 'trim', 'list', 'first', 'last', 'reverse', 'sort', 'join', 'abs', 'int', 'items'],
  ...[
    'string',
    'default(1)',
    'map(attribute="role")',
    'selectattr("role", "equalto", "user")',
    'indent(4)',
    'replace("a", "b")',
  ],
);
const methods = fc.constantFrom(
  'split',
  'strip',
  'upper',
  'items',
  'keys',
  'get',
  'append',
  'replace',
  'startswith',
  'format',
  'constructor',
);
const operators = fc.constantFrom(
  '+',
  '-',
  '*',
  '/',
  '//',
  '%',
  '**',
  '~',
  '==',
  '!=',
  '<',
  '>=',
  'and',
  'or',
  'in',
  'not in',
  'is',
  'is not',
);

const { block } = fc.letrec<{ value: string; statement: string; block: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    names,
    numbers,
    fc.constantFrom("'a'", "'user'", '""', '[]', '{}', 'range(3)', 'range(10 ** 9)', "'a' * 3", 'messages[0].content'),
    fc.tuple(tie('value'), operators, tie('value')).map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc.tuple(tie('value'), filters).map(([a, filter]) => `${a} | ${filter}`),
    fc
      .tuple(tie('value'), methods, fc.array(tie('value'), { maxLength: 2 }))
      .map(([a, method, given]) => `${a}.${method}(${given.join(', ')})`),
    fc.tuple(tie('value'), tie('value')).map(([a, b]) => `${a}[${b}]`),
    fc.tuple(tie('value'), tie('value')).map(([a, b]) => `${a}[${b}:]`),
    fc.tuple(tie('value'), tie('value'), tie('value')).map(([a, b, c]) => `(${a} if ${b} else ${c})`),
    fc.tuple(names, fc.array(tie('value'), { maxLength: 3 })).map(([name, given]) => `${name}(${given.join(', ')})`),
    fc.array(tie('value'), { maxLength: 3 }).map((all) => `[${all.join(', ')}]`),
  ),
  statement: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    tie('value').map((value) => `{{ ${value} }}`),
    fc.constantFrom('text\n', '{# note #}', '{% break %}', '{% continue %}'),
    fc.tuple(names, tie('value')).map(([name, value]) => `{% set ${name} = ${value} %}`),
    fc.tuple(tie('value'), tie('block')).map(([value, body]) => `{% if ${value} %}${body}{% endif %}`),
    fc
      .tuple(names, tie('value'), tie('block'))
      .map(([name, value, body]) => `{% for ${name} in ${value} %}${body}{% endfor %}`),
    fc.tuple(names, tie('block')).map(([name, body]) => `{% macro ${name}(x) %}${body}{% endmacro %}`),
  ),
  block: fc.array(tie('statement'), { maxLength: 4 }).map((all) => all.join('')),
}));

const messages = [
  { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'is it sharp ?' }] },
  { role: 'assistant', content: 'yes' },
];

export const openChatTemplates: OpenFuzzTarget = (folder) => {
  const texts = wholes.map((name) => readFileSync(join('test/fixtures', name)));
  const near = fc.constantFrom(...texts).chain((text) => nearBytes(text, words));
  return Promise.resolve(
    fuzzTarget(
      fc.oneof(
        near,
        block.map((text) => Buffer.from(text)),
      ),
      async (bytes) => {
        writeFileSync(join(folder, 'chat_template.jinja'), bytes);
        const render = await loadChatTemplate(folder, {});
        render(messages);
        return 'accepted';
      },
      { near: (bytes) => nearBytes(bytes, words) },
    ),
  );
};
