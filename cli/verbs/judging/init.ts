import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { Hub } from '../../../artifacts/hub/hub.ts';
import { hubSettings } from '../../../artifacts/hub/hub-settings.ts';
import { MtrlError } from '../../../core/errors.ts';
import { isHubAddress } from '../../../core/hub-address.ts';
import { type Choices, type GuessedTask, guessTask } from '../../../judge/datasets/inspection/guesses/guess-task.ts';
import { inspectData } from '../../../judge/datasets/inspection/facts/inspect-data.ts';
import { slug, taskNames } from '../../../judge/datasets/inspection/guesses/task-names.ts';
import type { Seen } from '../../../judge/datasets/inspection/guesses/task-guess.ts';
import type { SourceFiles } from '../../../judge/datasets/sources/source-files.ts';
import { type KindName, kindNames } from '../../../judge/kinds/table.ts';
import { sourceFiles } from '../../../pipeline/data/source-buckets.ts';
import { adapterRecipe, layoutsOf } from '../../init/adapter-recipe.ts';
import { askTask } from '../../init/ask-task.ts';
import { Dialogue } from '../../init/dialogue.ts';
import { draftRecipe } from '../../init/draft-recipe.ts';
import { placesBeside, refuseExisting, writeRecipe } from '../../init/write-recipe.ts';
import { guessDocument, tableDocument } from '../../show/inspection-document.ts';
import { guessLines, tableLines, trialLines } from '../../show/inspection-lines.ts';
import { commandText, print, printJson, say } from '../../show/output.ts';
import { userPath } from '../../user-path.ts';

interface InitOptions {
  readonly to: string;
  readonly label?: string;
  readonly kind?: KindName;
  readonly images?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function addInit(command: Command): void {
  command
    .argument('<data...>', 'files or folders of rows or pictures; patterns in quotes; `hf:datasets/org/name/path`')
    .option('--to <recipe>', 'the recipe to write', 'recipe.yaml')
    .option('--label <field>', 'the column with the label, instead of a guess')
    .addOption(new Option('--kind <kind>', 'the kind of the task, instead of a guess').choices(kindNames))
    .option('--images <folder>', 'where pictures lie that rows name')
    .option('-y, --yes', 'ask nothing: take every guess')
    .option('--json', 'one JSON document on stdout; asks nothing')
    .action(init);
}

async function init(data: readonly string[], options: InitOptions): Promise<void> {
  const { json = false, yes = false } = options;
  const recipe = userPath(options.to);
  refuseExisting(recipe);
  const files = sourceFiles({ hub: new Hub(hubSettings(process.env)) });
  const places = data.map((place) => (isHubAddress(place) ? place : userPath(place)));
  const images = options.images === undefined ? undefined : userPath(options.images);
  const tables = await inspectData(files, places, images, (sources) => {
    say(`reading ${sources.map(({ path }) => path).join(', ')}`);
  });
  const settings = { name: nameOf(recipe, places), placeOf: placesBeside(recipe) };
  const choices = { label: options.label, kind: options.kind };
  const isAsking = !yes && !json && process.stdin.isTTY && process.stderr.isTTY;
  const isOpen = !isAsking && choices.label === undefined && choices.kind === undefined;
  const known = isOpen ? await adapterRecipe(tables, settings, files) : undefined;
  if (known !== undefined) {
    await writeRecipe(recipe, known);
    const { adapters, trials } = known;
    if (json) printJson({ recipe, adapters, tables: tables.map(tableDocument) });
    else
      print(
        [...tables.flatMap(tableLines), `  -> adapters ${adapters.join(', ')}`, ...trials.flatMap(trialLines)].join(
          '\n',
        ),
      );
    sayNext(recipe);
    return;
  }
  const chosen = isAsking ? await asked(tables, choices, files) : guessed(tables, choices);
  const draft = await draftRecipe(chosen, settings, files);
  const { tasks } = draft;
  await writeRecipe(recipe, withLayouts(draft, tables));
  const names = taskNames(tasks).map(({ name }) => name);
  if (json) {
    const found = tasks.map((task, i) => ({
      ...tableDocument(task.seen),
      task: { name: names[i], ...guessDocument(task, draft.trials[i]) },
    }));
    printJson({ recipe, tables: found });
  } else {
    for (const [i, task] of tasks.entries())
      print(
        [...(isAsking ? names.slice(i, i + 1) : tableLines(task.seen)), ...guessLines(task, draft.trials[i])].join(
          '\n',
        ),
      );
  }
  sayNext(recipe);
}

/** Tables without a possible label are left out, aloud; one must be left. */
function guessed(tables: readonly Seen[], choices: Choices): GuessedTask[] {
  const problems: MtrlError[] = [];
  const tasks = tables.flatMap((table) => {
    try {
      return [guessTask(table, choices)];
    } catch (error) {
      if (!(error instanceof MtrlError)) throw error;
      problems.push(error);
      return [];
    }
  });
  const [first] = problems;
  if (tasks.length === 0 && first !== undefined) throw first;
  for (const { message, details } of problems) say(`left out: ${details.where ?? ''}: ${message}`);
  return tasks;
}

async function asked(tables: readonly Seen[], choices: Choices, files: SourceFiles): Promise<GuessedTask[]> {
  const dialogue = new Dialogue(process.stdin, process.stderr);
  try {
    const tasks: GuessedTask[] = [];
    for (const table of tables) {
      const task = await askTask(dialogue, table, choices, files);
      if (task !== undefined) tasks.push(task);
    }
    if (tasks.length > 0) return tasks;
    throw new MtrlError('USAGE', 'all rows are left out, so there is no recipe to write');
  } finally {
    dialogue.close();
  }
}

/** Names adapters of the same columns, for whoever has the files and pictures that they expect. */
function withLayouts(draft: Awaited<ReturnType<typeof draftRecipe>>, tables: readonly Seen[]) {
  const layouts = layoutsOf(tables);
  if (layouts.length === 0) return draft;
  const names = layouts.map(({ adapter }) => `recipes/adapters/${adapter}`).join(', ');
  const text = `The columns are also those of ${names}, which a recipe can include where the files and pictures are as it expects.`;
  return { ...draft, comments: [...draft.comments, { at: ['tasks'], text }] };
}

/** From the file's name if it says something, else from the data's. */
function nameOf(recipe: string, places: readonly string[]): string {
  const own = slug(basename(recipe).replace(/\.[a-z]+$/i, ''), 'recipe');
  return own === 'recipe' ? slug(basename(places[0] ?? '').split('.')[0] ?? '', own) : own;
}

function sayNext(recipe: string): void {
  say(`wrote ${recipe}\nnext: ${commandText('ingest', recipe)}`);
}
