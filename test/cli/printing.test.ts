import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { barLines, plainLine } from '../../cli/show/bars.ts';
import { differences } from '../../core/difference.ts';
import { refsIn } from '../../cli/show/made.ts';
import { excerpt, paintFor, shownLength, terminalText, visibleLength } from '../../cli/show/terminal-text.ts';
import { Rates, timeText } from '../../cli/show/rates.ts';
import { cutToWidth, Screen } from '../../cli/show/screen.ts';
import { scoreTable } from '../../cli/show/table.ts';
import { evaluated, progress, runProgress, scores, standing, view } from './made-up.ts';

const last = {
  step: 29,
  reward: 0.834,
  accuracy: 0.815,
  loss: 0.01,
  gradientNorm: 1,
  learningRate: 1e-4,
  cachedCount: 0,
};

describe('bars', () => {
  test('show steps, rate, time left and reward of a running run', () => {
    const rates = new Rates();
    rates.saw(runProgress({ step: 10 }), 60_000);
    rates.saw(runProgress({ step: 30 }), 65_000);
    const [, line] = barLines(standing(progress([runProgress({ last })])), view({ rates }));
    expect(line).toContain(' 30/150  4.0/s  30 s left  reward 0.83  accuracy 0.81');
  });

  test('name a task that leans to one verdict', () => {
    const leaning = [{ task: 'safety', verdict: 'no', verdictRate: 0.938, labelRate: 0.5 }];
    const [, line] = barLines(standing(progress([runProgress({ last, leaning })])), view({ columnCount: 200 }));
    expect(line).toContain('LEANING: safety 94 % "no", 50 % of labels');
  });

  test('show the best validation of a run that has one', () => {
    const validation = { best: { step: 20, score: 0.912 }, last: { step: 30, score: 0.85 } };
    const [, line] = barLines(standing(progress([runProgress({ last, validation })])), view());
    expect(line).toContain('accuracy 0.81  best validation 0.91 after 20 steps');
  });

  test('never exceed the width if there is room for a bar', () => {
    for (const columnCount of [80, 100, 200]) {
      const lines = barLines(standing(progress([runProgress({ last })])), view({ columnCount }));
      for (const line of lines) expect(visibleLength(line)).toBeLessThan(columnCount);
    }
  });

  test('report that no worker answers, and what to do', () => {
    expect(barLines(standing(undefined), view())[0]).toContain('no worker answers; `npm run mtrl -- up`');
    expect(plainLine(standing(undefined, { isOpen: false, status: 'FAILED' }), view())).toBe('demo: failed');
  });

  test('fit 100 runs on the screen and in a log line: running ones are shown, the others counted', () => {
    const runs = Array.from({ length: 100 }, (_, i) => {
      const state = i < 40 ? 'done' : i < 43 ? 'training' : 'waiting';
      return runProgress({ runName: `run-${String(i)}`, state, step: { done: 150, training: 30, waiting: 0 }[state] });
    });
    const told = standing(progress(runs));
    const lines = barLines(told, view({ rowCount: 20 }));
    expect(lines).toHaveLength(20);
    for (const name of ['run-40', 'run-41', 'run-42']) expect(lines.join('\n')).toContain(name);
    expect(lines.at(-1)).toBe('  … 82 more runs: 40 done, 42 waiting');
    expect(barLines(told, view())).toHaveLength(101);
    const line = plainLine(told, view());
    expect(line).toContain('run-42 30/150');
    expect(line).toContain('| 92 more runs: 40 done, 52 waiting');
    expect(line.length).toBeLessThan(400);
  });

  test('do not change a log line while nothing happens', () => {
    const told = standing(progress([runProgress({ last })]));
    expect(plainLine(told, view({ nowMs: 1 }))).toBe(plainLine(told, view({ nowMs: 99_999 })));
    expect(plainLine(told, view())).toBe('demo: training | mt-rl/s0 30/150 reward 0.83 accuracy 0.81');
  });

  test('say that a judge has collapsed', () => {
    const collapsed = [{ task: 'fits', verdict: 'yes', sinceStep: 12 }];
    const told = standing(progress([runProgress({ last, collapsed })]));
    expect(plainLine(told, view())).toContain('accuracy 0.81 COLLAPSED: fits always "yes" since step 12');
    expect(barLines(told, view()).join('\n')).toContain('COLLAPSED: fits always "yes" since step 12');
  });

  test('say what the guards of an arm did, and at which ceiling a run ended', () => {
    const incident = { code: 'NON_FINITE', step: 12, found: 'NaN' } as const;
    const rewind = { ...incident, outcome: 'rewound', toStep: 10 } as const;
    const newest = [{ ...incident, outcome: 'skipped' } as const, rewind];
    const incidents = { recordedCount: 0, skippedCount: 2, rewinds: [rewind], newest };
    const ceiling = { ceiling: 'wallMsMax', found: 1_100, allowed: 1_000, stepCount: 30 } as const;
    const line = plainLine(standing(progress([runProgress({ last, incidents, ceiling })])), view());
    expect(line).toContain('BAD NUMBERS: 2 steps skipped, 1 time back to a snapshot; last NON_FINITE at step 12');
    expect(line).toContain('ENDED AT ITS CEILING: wallMsMax 1000, found 1100, after 30 steps');
  });
});

describe('rates', () => {
  test('measure a run anew when it starts over', () => {
    const rates = new Rates();
    rates.saw({ runName: 'a', step: 100 }, 0);
    rates.saw({ runName: 'a', step: 5 }, 1_000);
    expect(rates.paceOf({ runName: 'a', step: 5, stepCount: 10 }, 1_000)).toBeUndefined();
    rates.saw({ runName: 'a', step: 7 }, 2_000);
    expect(rates.paceOf({ runName: 'a', step: 7, stepCount: 10 }, 2_000)).toEqual({ stepsPerSecond: 2, leftMs: 1_500 });
  });

  test('keep the pace of a run whose steps take minutes', () => {
    const rates = new Rates();
    for (let second = 0; second <= 350; second++)
      rates.saw({ runName: 'a', step: Math.floor(second / 100) }, second * 1_000);
    // Seen at 200 s with two steps, now at three.
    expect(rates.paceOf({ runName: 'a', step: 3, stepCount: 5 }, 350_000)).toMatchObject({ leftMs: 300_000 });
  });

  test('print a duration in the largest units that fit', () => {
    expect([500, 59_000, 65_000, 7_620_000].map(timeText)).toEqual(['1 s', '59 s', '1 min 05 s', '2 h 07 min']);
  });
});

describe('the screen', () => {
  test('moves back over exactly the rows that it drew, also after the window became narrower', () => {
    const written: string[] = [];
    const terminal = { columns: 40, write: (text: string) => written.push(text) };
    const screen = new Screen(terminal);
    screen.draw(['x'.repeat(39), 'y']);
    screen.draw(['z']);
    terminal.columns = 20;
    screen.draw(['z']);
    expect(written[0]).not.toContain('A');
    expect(written[1]).toContain('\u001b[2A');
    screen.draw(['w'.repeat(15)]);
    expect(written[3]).toContain('\u001b[1A');
    screen.close();
    expect(written.at(-1)).toBe('\u001b[?25h');
    screen.draw(['late']);
    expect(written.at(-1)).toBe('\u001b[?25h');
  });

  test('cuts by visible characters and closes open colours', () => {
    expect(cutToWidth('\u001b[31mabcdef\u001b[0m', 4)).toBe('\u001b[31mabc…\u001b[0m');
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (text, width) => {
        expect(shownLength(cutToWidth(text, width))).toBeLessThanOrEqual(width);
      }),
      { numRuns: 100 },
    );
  });

  test('writes no colours with NO_COLOR or to a pipe', () => {
    const shown = (isTTY: boolean, env: NodeJS.ProcessEnv): string =>
      terminalText(paintFor({ isTTY }, env)('red', 'x'));
    expect(shown(true, { NO_COLOR: '1' })).toBe('x');
    expect(shown(false, {})).toBe('x');
    expect(shown(true, {})).toBe('\u001b[31mx\u001b[0m');
  });

  test('writes no colours with FORCE_COLOR=0 or NO_COLOR=1 on any stream', () => {
    for (const isTTY of [true, false]) {
      for (const env of [{ FORCE_COLOR: '0' }, { FORCE_COLOR: '1', NO_COLOR: '1' }, { FORCE_COLOR: 'false' }])
        expect(paintFor({ isTTY }, env)('red', 'x')).toBe('x');
    }
    expect(terminalText(paintFor({}, { FORCE_COLOR: '1' })('red', 'x'))).toBe('\u001b[31mx\u001b[0m');
  });
});

describe('text of data', () => {
  const paint = paintFor({ isTTY: true }, {});

  test('reaches no terminal with control characters: colours, titles, carriage returns, C1, bidirectional overrides', () => {
    const label = '\u001b[31mRED\u001b[0m\u001b]0;owned\u0007\r\u009b2J\u202e';
    expect(terminalText(`no such label ${label}`)).toBe(
      'no such label \\u001b[31mRED\\u001b[0m\\u001b]0;owned\\u0007\\u000d\\u009b2J\\u202e',
    );
    const painted = terminalText(paint('dim', label));
    expect(painted.startsWith('\u001b[2m\\u001b[31mRED')).toBe(true);
    expect(painted.endsWith('\u001b[0m')).toBe(true);
  });

  test('is escaped whatever it contains, and measured as it is shown', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const shown = terminalText(text);
        expect(shown.replace(/[\t\n]/g, '')).not.toMatch(/\p{Cc}/u);
        expect(visibleLength(paint('red', text))).toBe([...shown].length);
      }),
      { numRuns: 300 },
    );
  });

  test('takes at most one line, and states how much was cut', () => {
    expect(excerpt('a\nb', 10)).toBe('a\\nb');
    expect(excerpt('x'.repeat(12), 10)).toBe(`${'x'.repeat(10)}… (2 more)`);
  });

  test('is escaped by the screen, too', () => {
    const written: string[] = [];
    new Screen({ columns: 40, write: (text: string) => written.push(text) }).draw(['run \u001b[2Jx\ny']);
    expect(written.join('')).toContain('run \\u001b[2Jx y');
  });
});

describe('the table', () => {
  const six = ['naturalness', 'technical', 'rationality', 'alignment', 'preference', 'safety'];
  const pair = { ood: true, exampleCount: 600, consistencyRate: 0.99, firstPositionRate: 0.503 };
  const runs = [
    evaluated('base', [
      ...six.map((task) => scores(task, 0.76)),
      scores('pair-alignment', 0.708, { ...pair, unparsableRate: 0.021 }),
    ]),
    evaluated('sft-unified', [...six.map((task) => scores(task, 0.86)), scores('pair-alignment', 0.513, pair)]),
    evaluated('mt-rl', [...six.map((task) => scores(task, 0.99)), scores('pair-alignment', 0.996, pair)]),
  ];
  const text = scoreTable(runs, (_, plain) => plain);

  test("shows a task's published metric below its figure", () => {
    const headline = { metric: 'consistentAccuracy', name: 'right in all orders', value: 0.613 } as const;
    const run = evaluated('base', [scores('judgebench', 0.7, { ...pair, headline })]);
    expect(scoreTable([run], (_, plain) => plain)).toContain('right in all orders 61.3');
  });

  test('fits 120 columns with six tasks and a pair', () => {
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  test('of 200 tasks fits the terminal: every task once, every block with the runs beside it', () => {
    const tasks = Array.from({ length: 200 }, (_, i) => `preference-of-raters-${String(i).padStart(3, '0')}`);
    const many = ['base', 'mt-rl'].map((arm) =>
      evaluated(
        arm,
        tasks.map((task, i) => scores(task, 0.9, { ood: i >= 190 })),
      ),
    );
    const lines = scoreTable(many, (_, plain) => plain, 80).split('\n');
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
    const heads = lines.flatMap((line) => line.match(/preferen…ers-\d{3}/g) ?? []);
    expect(new Set(heads).size).toBe(200);
    expect(heads).toHaveLength(200);
    const blockCount = lines.filter((line) => line.startsWith('majority')).length;
    expect(lines.filter((line) => line.startsWith('mt-rl'))).toHaveLength(blockCount);
    expect(blockCount).toBeGreaterThan(1);
  });

  test('matches the snapshot', () => {
    expect(`\n${text}\n`).toMatchInlineSnapshot(`
      "
                   naturalness   technical  rationality   alignment  preference      safety  mean  │ pair-alignment
                                                                                                   │  never trained
      base                76.0        76.0         76.0        76.0        76.0        76.0  76.0  │           70.8
                     74.0–78.0   74.0–78.0    74.0–78.0   74.0–78.0   74.0–78.0   74.0–78.0        │      68.8–72.8
                                                                                                   │      same 99.0
                                                                                                   │       1st 50.3
                                                                                                   │    2.1% unread
      sft-unified         86.0        86.0         86.0        86.0        86.0        86.0  86.0  │           51.3
                     84.0–88.0   84.0–88.0    84.0–88.0   84.0–88.0   84.0–88.0   84.0–88.0        │      49.3–53.3
                                                                                                   │      same 99.0
                                                                                                   │       1st 50.3
      mt-rl               99.0        99.0         99.0        99.0        99.0        99.0  99.0  │           99.6
                    97.0–100.0  97.0–100.0   97.0–100.0  97.0–100.0  97.0–100.0  97.0–100.0        │     97.6–100.0
                                                                                                   │      same 99.0
                                                                                                   │       1st 50.3
      majority            33.3        33.3         33.3        33.3        33.3        33.3  33.3  │           33.3

      Macro-F1 in points, bootstrap 95 % intervals, 600 judgments per task
      same: the same candidate is chosen in both orders; 1st: the first position is chosen (50 is unbiased)
      "
    `);
  });

  test('names seeds if an arm has several', () => {
    const seeds = scoreTable(
      [evaluated('mt-rl', [scores('a', 0.9)], 0), evaluated('mt-rl', [scores('a', 0.9)], 1)],
      (_, plain) => plain,
    );
    expect(seeds).toContain('mt-rl/s0');
    expect(seeds).toContain('mt-rl/s1');
  });

  test('reports that nothing was evaluated', () => {
    expect(scoreTable([evaluated('base', [])], (_, plain) => plain)).toBe('no evaluations');
  });
});

test('lists differences with the path and both sides', () => {
  const there = { name: 'x', arms: { a: { steps: 3 }, b: 1 }, seeds: [0, 1] };
  const here = { name: 'x', arms: { a: { steps: 4 } }, seeds: [0, 2] };
  expect(differences(there, here)).toEqual([
    { path: 'arms.a.steps', there: 3, here: 4 },
    { path: 'arms.b', there: 1, here: undefined },
    { path: 'seeds.1', there: 1, here: 2 },
  ]);
  expect(differences(there, structuredClone(there))).toEqual([]);
});

test('finds refs at any depth, each once', () => {
  const ref = (uri: string) => ({ uri, sha256: 'a', byteLength: 1 });
  const value = { a: [{ b: ref('s3://1') }], c: { ...ref('s3://2'), d: ref('s3://1') }, e: null };
  expect(
    refsIn(value)
      .map(({ uri }) => uri)
      .sort(),
  ).toEqual(['s3://1', 's3://2']);
});
