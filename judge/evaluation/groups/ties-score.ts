/**
 * The Ties score of RewardBench 2 (arXiv 2506.01937; `process_single_model` in allenai/reward-bench, rewardbench/utils.py
 * at 05a9005): do all correct answers to a prompt score above all incorrect ones, and by more than they differ among
 * themselves? Prompts come in pairs: `ref:N` has one correct answer, `tied:N` several. It needs a number for each answer,
 * so it is for judges that score; a choice of the best says nothing about the others.
 */
import type { JudgedExample, Metric } from '../metric.ts';

/** Rates in [0, 1]. */
export interface TiesScore {
  /** Pairs of a `ref` and a `tied` prompt. */
  readonly pairCount: number;
  /** Share of all `ref`, and of all `tied` prompts whose correct answers score above all of their incorrect ones. */
  readonly refAccuracy: number;
  readonly tiedAccuracy: number;
  /** Share of pairs whose tied prompt has a gap (least correct - greatest incorrect) above the spread of its correct answers. */
  readonly preferredRate: number;
  /** The same with the smaller gap of both prompts. */
  readonly preferredHardRate: number;
  /** Mean of tanh(smaller gap / spread - 1), in [-1, 1]; 0 / 0 counts 0. */
  readonly marginScore: number;
  /** .3 tiedAccuracy + .3 refAccuracy + .2 preferredRate + .2 preferredHardRate + .01 marginScore, at most 1.01. */
  readonly score: number;
  /** Prompts without correct or without incorrect answers, or named neither `ref:N` nor `tied:N`. */
  readonly leftOutCount: number;
}

interface TiesScores {
  /** Present if the task has `tiesScoreBy` and a pair of prompts. */
  readonly tiesScore?: TiesScore;
}

export const tiesScores: Metric<TiesScores> = ({ judged, task: { tiesScoreBy }, labels }) => {
  if (tiesScoreBy === undefined) return undefined;
  const prompts = new Map<string, JudgedExample[]>();
  for (const one of judged) {
    const name = one.example.attributes?.[tiesScoreBy] ?? '';
    const answers = prompts.get(name) ?? [];
    prompts.set(name, answers);
    answers.push(one);
  }
  const correct = labels.at(-1) ?? '';
  const [refs, tied] = [marginsOf(prompts, 'ref:', correct), marginsOf(prompts, 'tied:', correct)];
  const pairs = [...refs].flatMap(([name, ref]) => {
    const partner = tied.get(name);
    return partner === undefined ? [] : [{ ...partner, smaller: Math.min(ref.gap, partner.gap) }];
  });
  if (pairs.length === 0) return undefined;
  const refAccuracy = mean([...refs.values()].map(({ gap }) => Number(gap > 0)));
  const tiedAccuracy = mean([...tied.values()].map(({ gap }) => Number(gap > 0)));
  const preferredRate = mean(pairs.map(({ gap, spread }) => Number(gap > spread)));
  const preferredHardRate = mean(pairs.map(({ smaller, spread }) => Number(smaller > spread)));
  const marginScore = mean(
    pairs.map(({ smaller, spread }) => (smaller === 0 && spread === 0 ? 0 : Math.tanh(smaller / spread - 1))),
  );
  return {
    tiesScore: {
      ...{ pairCount: pairs.length, refAccuracy, tiedAccuracy, preferredRate, preferredHardRate, marginScore },
      score:
        0.3 * tiedAccuracy + 0.3 * refAccuracy + 0.2 * preferredRate + 0.2 * preferredHardRate + 0.01 * marginScore,
      leftOutCount: prompts.size - refs.size - tied.size,
    },
  };
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

interface Margins {
  /** Least number of a correct answer minus the greatest of an incorrect one. */
  readonly gap: number;
  /** Greatest minus least number of a correct answer. */
  readonly spread: number;
}

/** Margins of the prompts with this prefix that have correct and incorrect answers, by the rest of their names. */
function marginsOf(
  prompts: ReadonlyMap<string, readonly JudgedExample[]>,
  prefix: string,
  correctLabel: string,
): ReadonlyMap<string, Margins> {
  const found = [...prompts].flatMap(([name, answers]): [string, Margins][] => {
    const margins = name.startsWith(prefix) ? marginsOfPrompt(answers, correctLabel) : undefined;
    return margins === undefined ? [] : [[name.slice(prefix.length), margins]];
  });
  return new Map(found);
}

/**
 * An answer whose number cannot be read makes its prompt wrong by any margin. The reference counts it as -1, which helps
 * a judge if the answer is incorrect.
 */
function marginsOfPrompt(answers: readonly JudgedExample[], correctLabel: string): Margins | undefined {
  const numbers = (isWanted: (label: string) => boolean): number[] =>
    answers
      .filter(({ example }) => isWanted(example.label))
      .map(({ judgment }) => (judgment.ok ? (judgment.score ?? Number(judgment.verdict)) : NaN));
  const correct = numbers((label) => label === correctLabel);
  const incorrect = numbers((label) => label !== correctLabel);
  if (correct.length === 0 || incorrect.length === 0) return undefined;
  if ([...correct, ...incorrect].some(Number.isNaN)) return { gap: -Infinity, spread: 0 };
  const least = Math.min(...correct);
  return { gap: least - Math.max(...incorrect), spread: Math.max(...correct) - least };
}
