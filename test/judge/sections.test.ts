/** Rationales in sections: read strictly in every verdict format, rewarded by section, taught from rows, counted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unparsableScores } from '../../judge/evaluation/unparsable.ts';
import type { MetricInput } from '../../judge/evaluation/metric.ts';
import type { Judgment, UnparsableReason } from '../../judge/example.ts';
import { rewardOf, ruledReward } from '../../judge/rewards.ts';
import { targetText } from '../../judge/tasks/completion.ts';
import { readVerdict, type VerdictRule } from '../../judge/tasks/read-verdict.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { rewardSchema } from '../../recipes/fields/reward-fields.ts';
import { MtrlError } from '../../core/errors.ts';
import { forcedCompletion } from '../../pipeline/asking/forced-completion.ts';
import type { RowsSpec, TaskSpec } from '../../recipes/recipe.ts';
import { checkExample } from '../../judge/datasets/rows/check-example.ts';
import type { Row } from '../../judge/datasets/rows/jsonl-row.ts';
import { outcomesOfRow, rowMapping } from '../../judge/datasets/rows/row-example.ts';
import { UnusableRow } from '../../judge/datasets/reading.ts';

const names = ['observations', 'claims', 'checks'];
type Format = NonNullable<VerdictRule['verdictFormat']>;
const formats: readonly Format[] = ['tagged', 'json', 'last-line'];
const ruleOf = (verdictFormat: Format): VerdictRule => ({
  ...{ kind: 'pointwise', labels: ['yes', 'no'], verdictFormat, sections: names },
});
const read = (verdictFormat: Format, text: string, mode: 'think' | 'direct' = 'think'): Judgment =>
  readVerdict({ text, finishReason: 'stop' }, ruleOf(verdictFormat), mode);

/** An answer with these sections, in the given order. */
const written: Readonly<Record<Format, (sections: readonly (readonly [string, string])[], more?: string) => string>> = {
  tagged: (sections, more = '') =>
    `<think> ${more}${sections.map(([name, text]) => `<${name}> ${text} </${name}>`).join(' ')} </think> <answer> yes </answer>`,
  json: (sections, more = '') => {
    const fields = sections.map(([name, text]) => `${JSON.stringify(name)}: ${JSON.stringify(text)}`);
    return `{"rationale": {${[...(more === '' ? [] : [`"more": "${more}"`]), ...fields].join(', ')}}, "verdict": "yes"}`;
  },
  'last-line': (sections, more = '') =>
    [...(more === '' ? [] : [more]), ...sections.map(([name, text]) => `${name}: ${text}`), 'yes'].join('\n'),
};
const [o, c, k] = [
  ['observations', 'a red sign'],
  ['claims', 'it says stop'],
  ['checks', 'it does'],
] as const;

describe.each(formats)('%s', (format) => {
  const sections = [o, c, k].map(([name, text]) => ({ name, text }));

  it('reads all sections in order', () => {
    expect(read(format, written[format]([o, c, k]))).toEqual({
      ...{ ok: true, verdict: 'yes', sections },
      rationale: 'observations: a red sign\nclaims: it says stop\nchecks: it does',
    });
  });

  it.each<readonly [UnparsableReason, string, number, readonly (readonly [string, string])[]]>([
    ['section-missing', 'checks', 2 / 3, [o, c]],
    ['section-missing', 'observations', 2 / 3, [c, k]],
    ['section-missing', 'claims', 2 / 3, [o, ['claims', '  '], k]],
    ['section-missing', 'observations', 1 / 3, [k]],
    ['section-repeated', 'claims', 2 / 3, [o, c, c, k]],
    ['section-out-of-order', 'claims', 2 / 3, [c, o, k]],
    ['section-out-of-order', 'claims', 1 / 3, [k, c, o]],
  ])('names a section that is wrong: %s %s', (reason, section, sectionShare, given) => {
    expect(read(format, written[format](given))).toEqual({ ok: false, reason, section, sectionShare });
  });

  it('takes nothing besides the sections, and no answer without any', () => {
    expect(read(format, written[format]([o, c, k], 'well'))).toEqual({ ok: false, reason: 'text-outside-form' });
    const plain = {
      tagged: '<think> a sign </think> <answer> yes </answer>',
      json: '{"rationale": "a", "verdict": "yes"}',
    };
    const text = format === 'last-line' ? 'a sign\nyes' : plain[format];
    expect(read(format, text)).toEqual({
      ok: false,
      reason: 'section-missing',
      section: 'observations',
      sectionShare: 0,
    });
  });

  it('gives no credit for sections without a verdict that can be read', () => {
    const text = written[format]([o, c]).replace('yes', 'maybe');
    expect(read(format, text)).toEqual({ ok: false, reason: 'verdict-not-a-label' });
    expect(readVerdict({ text: written[format]([o, c]), finishReason: 'length' }, ruleOf(format), 'think')).toEqual({
      ...{ ok: false, reason: 'truncated' },
    });
  });

  it('asks for none in direct mode', () => {
    const direct = targetText({ id: 'x', label: 'yes' }, 'direct', format);
    expect(read(format, direct, 'direct')).toEqual({ ok: true, verdict: 'yes', rationale: '' });
  });

  it('reads what training teaches, and what forced choice continues, back to the same sections', () => {
    const words = fc.array(fc.constantFrom('a', 'sign', '"x"', '{', '\\', 'claims', ':', '<'), { minLength: 1 });
    fc.assert(
      fc.property(fc.tuple(words, words, words), (texts) => {
        const rationale = names.map((name, i) => ({ name, text: `a ${texts[i]?.join(' ') ?? ''}` }));
        const text = targetText({ id: 'x', label: 'no', rationale }, 'think', format);
        const judgment = read(format, text);
        expect(judgment).toMatchObject({ ok: true, verdict: 'no', sections: rationale });
        const spec: TaskSpec = { ...ruleOf(format), prompt: '', ood: false };
        const said: string[] = [];
        const completion = (whole: string | { readonly text: string }): number[] => {
          said.push(typeof whole === 'string' ? whole : whole.text);
          return [1];
        };
        forcedCompletion({ completion }, 'no', spec, 'think', judgment);
        expect(said).toEqual([text]);
      }),
    );
  });

  it('never throws', () => {
    const pieces = ['<claims>', '</claims>', 'claims:', '{', '"', '"claims":', '<think>', '</think>', '\n', 'yes', ','];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces)), (some) => {
        const judgment = read(format, some.join(''));
        if (judgment.ok) expect(judgment.sections?.map(({ name }) => name)).toEqual(names);
      }),
    );
  });
});

it('reads sections of several lines, and a colon within one', () => {
  const text = 'observations: a red sign\n  with text: STOP\nclaims: c\nchecks:\n1. one\n2. two\nyes';
  expect(read('last-line', text)).toMatchObject({
    sections: [{ text: 'a red sign\nwith text: STOP' }, { text: 'c' }, { text: '1. one\n2. two' }],
  });
});

it('does not take a criterion for a section of its name', () => {
  const rule: VerdictRule = {
    ...{ kind: 'criteria', labels: ['yes', 'no'], criteria: { claims: null, safe: null } },
    ...{ verdictFormat: 'json', sections: names },
  };
  const rationale = { observations: 'a', claims: 'b', checks: 'c' };
  const text = JSON.stringify({ rationale, verdict: { claims: 'yes', safe: 'no' } });
  const judge = (answer: string) => readVerdict({ text: answer, finishReason: 'stop' }, rule, 'think');
  expect(judge(text)).toMatchObject({ ok: true, verdict: 'claims: yes, safe: no' });
  expect(judge(text.replace('"checks"', '"claims":"d","checks"'))).toMatchObject({
    ...{ reason: 'section-repeated', section: 'claims', sectionShare: 2 / 3 },
  });
});

describe('the format of an answer whose verdict can be read', () => {
  const partly = read('tagged', written.tagged([o, c]));

  it('is the share of sections that are right, and its accuracy 0', () => {
    expect(rewardOf(partly, 'yes', 0.3)).toEqual({
      ...{ value: 0.3 * (2 / 3), accuracy: 0, format: 2 / 3, unparsable: 'section-missing' },
    });
    expect(rewardOf(read('tagged', written.tagged([o, c, k])), 'yes', 0.3)).toEqual({
      value: 1,
      accuracy: 1,
      format: 1,
    });
  });

  it('is 0 if the recipe wants all of them', () => {
    const rule = { formatWeight: 0.3, tokenCountMax: 10, reward: rewardSchema.parse({ sections: 'all' }) };
    const reward = ruledReward({ judgment: partly, tokenCount: 5 }, { label: 'yes' }, ruleOf('tagged'), rule);
    expect(reward).toEqual({ value: 0, accuracy: 0, format: 0, unparsable: 'section-missing' });
  });
});

it('counts which section was missing', () => {
  const answers = [
    [o, c, k],
    [o, c],
    [o, c],
    [c, o, k],
  ].map((each) => read('tagged', written.tagged(each)));
  const judged = answers.map((judgment) => ({ judgment }));
  expect(unparsableScores({ judged } as unknown as MetricInput)?.unparsableByReason).toEqual({
    ...{ 'section-missing: checks': 0.5, 'section-out-of-order: claims': 0.25 },
  });
});

describe('a row', () => {
  const task: TaskSpec = { ...ruleOf('json'), prompt: '{{ says }} {{ mode_word }}', ood: false };
  const spec: RowsSpec = {
    ...{ reader: 'jsonl', path: 'a.jsonl', task: 't', split: 'train', labelMap: {} },
    fields: { id: 'id', images: [], label: 'label', prompt: ['says'] },
    rationale: { checks: '{{ label }}', observations: '{{ row.says }}', claims: 'it says {{ row.says }}' },
  };
  const exampleOf = async (row: Row) => {
    const [outcome] = await outcomesOfRow(() => row, rowMapping(spec, task), {
      take: () => Promise.resolve([]),
      framesIn: () => Promise.resolve([]),
    });
    if (outcome === undefined || outcome instanceof UnusableRow) throw outcome ?? new Error('no outcome');
    checkExample(outcome, task, { think: 'think', direct: 'directly' });
    return outcome;
  };

  it("teaches the sections in the task's order, whatever that of the dataset", async () => {
    const example = await exampleOf({ id: 1, says: 'stop', label: 'yes' });
    expect(targetText(example, 'think', 'json')).toBe(
      '{"rationale":{"observations":"stop","claims":"it says stop","checks":"yes"},"verdict":"yes"}',
    );
  });

  it('is quarantined if one of its sections is empty', async () => {
    await expect(exampleOf({ id: 1, says: '', label: 'yes' })).rejects.toMatchObject({
      ...{ code: 'PROMPT_INVALID' },
      message: 'an answer with this rationale is unparsable: section-missing: observations',
    });
  });
});

describe('a recipe', () => {
  const rows = { reader: 'jsonl', path: 'a.jsonl', imageFolder: 'i', fields: {}, task: 't', split: 'test' };
  const said = (sections: unknown, rationale?: unknown): string => {
    try {
      parseRecipe({
        ...{ name: 'sections', policy: { checkpoint: 'base' } },
        tasks: {
          t: {
            kind: 'pointwise',
            labels: ['yes', 'no'],
            prompt: '<image>',
            ...(sections !== undefined && { sections }),
          },
        },
        datasets: [{ ...rows, ...(rationale !== undefined && { rationale }) }],
        arms: { base: { objective: 'none', mode: 'think' } },
      });
      return 'accepted';
    } catch (error) {
      if (error instanceof MtrlError) return error.message;
      throw error;
    }
  };

  it.each<readonly [unknown, unknown, string]>([
    [names, undefined, 'accepted'],
    [names, { claims: '{{ row.c }}', observations: 'o', checks: 'k' }, 'accepted'],
    [names, 'one text', 'datasets.0.rationale: found one text; allowed: a template for each section of t'],
    [names, { claims: 'c' }, 'datasets.0.rationale: found ["claims"]'],
    [undefined, { claims: 'c' }, 'allowed: one text, because t has no sections'],
    [['claims', 'claims'], undefined, 'tasks.t.sections'],
    [['think'], undefined, 'a name other than think'],
    [['Claims'], undefined, 'tasks.t.sections.0'],
    [[], undefined, 'tasks.t.sections'],
  ])('with sections %j and rationale %j: %s', (sections, rationale, message) => {
    expect(said(sections, rationale)).toContain(message);
  });
});
