import { expect, test } from 'vitest';
import { drawnFrom, endedBy } from '../../pipeline/training/sampling.ts';
import { loadProcessor } from '../../policy/processor.ts';

const processor = await loadProcessor('recipes/demo-base');
const prompted = { completion: (text: string) => processor.encodeCompletion(text) };

test('a recipe that says nothing asks the engine for nothing, so keys and graphs stay as they were', () => {
  expect(drawnFrom(undefined, undefined)).toEqual({});
  expect(endedBy({}, prompted)).toEqual({});
});

test('a stop sequence is the tokens of its text, without the stop token', () => {
  const { stopSequences = [] } = endedBy({ stopSequences: ['</answer>', 'no </answer>'] }, prompted);
  expect(stopSequences.map((ids) => processor.decodeCompletion(ids))).toEqual(['</answer>', 'no </answer>']);
  expect(stopSequences.map(({ length }) => length)).toEqual([1, 2]);
});

test('a stop sequence that could never be sampled is refused, not waited for', () => {
  expect(() => endedBy({ stopSequences: ['<image>'] }, prompted)).toThrow(
    expect.objectContaining({ code: 'PROMPT_INVALID' }),
  );
});
