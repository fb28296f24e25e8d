import { parse, parseDocument } from 'yaml';
import { expect, test } from 'vitest';
import { commentedYaml } from '../../recipes/commented-yaml.ts';

const lora = { rank: 2, modules: ['a', 'b'] };

test('writes values, comments, anchors and short collections as a person would', () => {
  const value = {
    name: 'x',
    tasks: { one: { labels: ['yes', 'b'], prompt: 'a\nb' } },
    arms: { p: { lora }, q: { lora: { ...lora } } },
  };
  const comments = [
    { at: ['tasks', 'one'], text: 'the one' },
    { at: ['tasks', 'one', 'prompt'], text: 'two\nlines' },
  ];
  const anchors = [
    {
      name: 'lora',
      at: [
        ['arms', 'p', 'lora'],
        ['arms', 'q', 'lora'],
      ],
    },
  ];
  const text = commentedYaml(value, { head: 'above', comments, anchors });
  expect(text).toBe(`# above

name: x

tasks:
  # the one
  one:
    labels: ['yes', b]
    # two
    # lines
    prompt: |-
      a
      b

arms: {p: {lora: &lora {rank: 2, modules: [a, b]}}, q: {lora: *lora}}
`);
  expect(parse(text)).toEqual(value);
});

test('control characters of data reach neither comments nor the file as they are', () => {
  const value = { tasks: { one: { labels: ['\u001b[31m', 'a\u2028b', '# c', 'true', ' d'] } } };
  const text = commentedYaml(value, { head: 'x\u009by', comments: [{ at: ['tasks'], text: 'value \u001b]0;\u0007' }] });
  expect(text).toContain('# x\\u009by');
  expect(text).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(parse(text)).toEqual(value);
});

test('wraps long comments, and every line is one', () => {
  const text = commentedYaml({ a: { b: 1 } }, { head: '', comments: [{ at: ['a'], text: 'word '.repeat(100) }] });
  expect(text.split('\n').filter((line) => line.startsWith('# ')).length).toBeGreaterThan(3);
  expect(parseDocument(text).errors).toEqual([]);
});
