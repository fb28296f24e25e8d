/** README.md of an exported judge: what it judges and how to ask it, its scores, what it was made from. */
import type { Recipe } from '../../recipes/recipe.ts';
import type { TaskScores } from '../evaluation/task-scores.ts';
import { points } from './format.ts';

export interface ModelCardData {
  /** `org/name` of the repository. */
  readonly name: string;
  readonly experimentId: string;
  readonly runName: string;
  /** Digest of the checkpoint's manifest. */
  readonly checkpointSha256: string;
  /** The rest is missing for a run whose experiment has not ended. */
  readonly recipe?: Recipe;
  readonly scores?: readonly TaskScores[];
  /** Whether the folder contains adapters alone. */
  readonly isAdapter: boolean;
}

export function modelCard(data: ModelCardData): string {
  const { name, experimentId, runName, checkpointSha256, recipe, scores = [], isAdapter } = data;
  return [
    '---',
    `library_name: ${isAdapter ? 'peft' : 'transformers'}`,
    ...baseModel(recipe).map((base) => `base_model: ${base}`),
    'tags:',
    '- judge',
    '- mt-rl-judge',
    '---',
    '',
    `# ${name}`,
    '',
    ...(recipe === undefined ? [] : [`${recipe.summary ?? recipe.name}.`, '']),
    `A judge trained by multi-task reinforcement learning (MT-RL-Judge, arXiv 2603.11665). Run \`${runName}\` of experiment \`${experimentId}\`; sha256 of the checkpoint: \`${checkpointSha256}\`.`,
    '',
    ...(scores.length === 0 ? [] : scoreLines(scores)),
    ...(recipe === undefined ? [] : taskLines(recipe)),
  ].join('\n');
}

/** Only a policy of the Hub has a name there. */
function baseModel(recipe: Recipe | undefined): string[] {
  const named = recipe?.policy !== undefined && 'checkpoint' in recipe.policy ? recipe.policy.checkpoint : '';
  const [, base] = /^hf:([^/@]+\/[^/@]+)/.exec(named) ?? [];
  return base === undefined ? [] : [base];
}

function scoreLines(scores: readonly TaskScores[]): string[] {
  const rows = scores.map(
    ({ task, split, ood, exampleCount, macroF1, ci95, accuracy, majorityMacroF1, unparsableRate }) =>
      [
        `${task}${ood ? ' (never trained)' : ''}`,
        split,
        String(exampleCount),
        ci95 === undefined ? '–' : `${points(macroF1)} (${points(ci95[0])} to ${points(ci95[1])})`,
        points(accuracy),
        points(majorityMacroF1),
        points(unparsableRate),
      ].join(' | '),
  );
  return [
    '## Scores',
    '',
    'In percent; intervals are 95 % bootstrap intervals. Majority: Macro-F1 of always giving the most frequent label.',
    '',
    '| task | split | examples | Macro-F1 | accuracy | majority | unparsable |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
  ];
}

function taskLines({ tasks, modeWords }: Recipe): string[] {
  return [
    '## How it is asked',
    '',
    ...Object.entries(tasks).flatMap(([task, { kind, labels, system, prompt }]) => [
      `**${task}** (${kind}: ${labels.join(', ')})`,
      '',
      ...(system === undefined ? [] : ['System message:', '', ...fenced(system), '', 'Prompt:', '']),
      ...fenced(prompt),
      '',
    ]),
    'In place of `mode_word`:',
    '',
    ...fenced(`think: ${modeWords.think}\ndirect: ${modeWords.direct}`),
    '',
  ];
}

/** A block that the text cannot close: its fence is longer than any in the text. */
function fenced(text: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return [fence, text, fence];
}
