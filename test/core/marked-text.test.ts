import { describe, expect, test } from 'vitest';
import { joinSegments, markRows, segmentsOf, trimMarked, unusedMarks } from '../../core/marked-text.ts';

const marks = unusedMarks([]);

describe('marked text', () => {
  test('keeps white space at the ends of a row outside the marks, so that templates still trim it', () => {
    const marked = markRows({ text: 'a  row \n b', rows: [[1, 8]] }, marks);
    expect(marked).toBe(`a  ${marks.open}row${marks.close} \n b`);
    expect(joinSegments(segmentsOf(marked, marks))).toEqual({ text: 'a  row \n b', rows: [[3, 6]] });
    expect(trimMarked({ text: '  row x ', rows: [[0, 5]] })).toEqual({ text: 'row x', rows: [[0, 3]] });
  });

  test('chooses marks that no text contains, and refuses a text that contains all of them', () => {
    expect(unusedMarks([marks.open])).toEqual({ open: marks.close, close: '\ufdd2' });
    const all = Array.from({ length: 32 }, (_, i) => String.fromCharCode(0xfdd0 + i)).join('');
    expect(() => unusedMarks([all])).toThrow(expect.objectContaining({ code: 'PROMPT_INVALID' }) as Error);
  });

  test.each(['{row', 'row}', '{a{b}', '}{a}', '{a}}'])('refuses a template that loses a mark: %s', (text) => {
    const marked = text.replaceAll('{', marks.open).replaceAll('}', marks.close);
    expect(() => segmentsOf(marked, marks)).toThrow(expect.objectContaining({ code: 'PROMPT_INVALID' }) as Error);
  });
});
