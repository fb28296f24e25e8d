import { describe, expect, test } from 'vitest';
import { baselineLines } from '../../judge/evaluation/baseline-text.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Example, Judgment } from '../../judge/example.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const spec: TaskSpec = { kind: 'choice', labels: ['A', 'B', 'C'], prompt: '', ood: false };
const exampleOf = (label: string, ...texts: string[]): Example => ({
  ...{ id: texts.join(), task: 'best', split: 'test', images: [], fields: {}, label, groupKey: texts.join() },
  candidates: texts.map((text) => [{ text }]),
});
const said = (verdict: string): Judgment => ({ ok: true, verdict, rationale: '' });
const scoresOf = (verdicts: readonly string[]) => {
  const examples = [exampleOf('A', 'long', 'x'), exampleOf('B', 'a', 'bb', 'cc'), exampleOf('C', 'aaa', 'b', 'cc')];
  const judged = examples.map((example, i) => ({ example, judgment: said(verdicts[i] ?? '') }));
  return taskScores({ task: 'best', spec, split: 'test', judged, resampleCount: 10, seed: 0 });
};

describe('judges that read nothing', () => {
  test('are always the first candidate, the longest or the shortest; equal lengths count by chance', () => {
    // Longest: right, one of two, wrong. Shortest: wrong, wrong, wrong.
    expect(scoresOf(['A', 'A', 'A']).baselines).toEqual({ alwaysFirst: 1 / 3, longest: 1.5 / 3, shortest: 0 });
  });

  test('are named with the judges that do not beat the best of them', () => {
    const judges = [
      { name: 'base', scores: [scoresOf(['A', 'A', 'A'])] },
      { name: 'trained', scores: [scoresOf(['A', 'B', 'A'])] },
    ];
    expect(baselineLines(judges)).toEqual([
      'best: accuracy without reading: always first 33.3, longest 50.0, shortest 0.0; not above "longest", so nothing learned: base',
      'base: Macro-F1 not above that of always the commonest label, so nothing learned: best (16.7)',
    ]);
  });

  test('are nothing where nothing is compared, and have no length where candidates have no text', () => {
    const yesNo: TaskSpec = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '', ood: false };
    const shows: Example = { ...exampleOf('yes'), candidates: [], images: ['a'] };
    const one = taskScores({
      ...{ task: 'shows', spec: yesNo, split: 'test', resampleCount: 10, seed: 0 },
      judged: [{ example: shows, judgment: said('yes') }],
    });
    expect(one.baselines).toBeUndefined();
    expect(baselineLines([{ name: 'a', scores: [one] }])).toEqual([]);
    const { candidates: _, ...pictures } = { ...exampleOf('B'), images: ['a', 'b'] };
    const pair = taskScores({
      ...{ task: 'pair', spec, split: 'test', resampleCount: 10, seed: 0 },
      judged: [{ example: pictures, judgment: said('B') }],
    });
    expect(pair.baselines).toEqual({ alwaysFirst: 0 });
  });
});
