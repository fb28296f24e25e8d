import { expect, test } from 'vitest';
import { drawnFrom, endedBy } from '../../pipeline/training/sampling.ts';
import { loadProcessor } from '../../policy/processor.ts';

const processor = await loadProcessor('recipes/demo-base');
const prompted = { completion: (text: string) => processor.encodeCompletion(text) };

test('a recipe without sampling options adds none to requests, so keys and graphs stay the same', () => {
  expect(drawnFrom(undefined, undefined)).toEqual({});
  expect(endedBy({}, prompted)).toEqual({});
});

test('a stop sequence is the tokens of its text, without the stop token', () => {
  const { stopSequences = [] } = endedBy({ stopSequences: ['</answer>', 'no </answer>'] }, prompted);
  expect(stopSequences.map((ids) => processor.decodeCompletion(ids))).toEqual(['</answer>', 'no </answer>']);
  expect(stopSequences.map(({ length }) => length)).toEqual([1, 2]);
});

test('a stop sequence that can never be sampled is refused', () => {
  expect(() => endedBy({ stopSequences: ['<image>'] }, prompted)).toThrow(
    expect.objectContaining({ code: 'PROMPT_INVALID' }),
  );
});
