/**
 * The verbs, in the order of `--help`. A verb's arguments and options are loaded when it is called, so that neither the
 * help nor a quick verb waits for the packages of the others.
 */
import { Command } from 'commander';

interface Verb {
  readonly description: string;
  /** Loads the function that adds arguments, options and action to the command. */
  readonly load: () => Promise<(command: Command) => void>;
}

const verbs: Readonly<Record<string, Verb>> = {
  up: {
    description: 'start the local stack: Temporal, object store, workers',
    load: async () => (await import('./verbs/stack/up.ts')).addUp,
  },
  down: {
    description: 'stop what `up` started; data is kept',
    load: async () => (await import('./verbs/stack/down.ts')).addDown,
  },
  doctor: {
    description: 'check the installation and say how to fix it; with --model, estimate the memory and time of training',
    load: async () => (await import('./verbs/stack/doctor.ts')).addDoctor,
  },
  'payload-key': {
    description: 'make a key that encrypts what Temporal stores, or add one to the file and use it from now on',
    load: async () => (await import('./verbs/stack/payload-key.ts')).addPayloadKey,
  },
  'codec-server': {
    description: 'decrypt for the Web UI and the `temporal` command what Temporal stores encrypted',
    load: async () => (await import('./verbs/stack/codec-server.ts')).addCodecServer,
  },
  plan: {
    description:
      'estimate tokens, operations, memory, time and storage of a recipe before anything runs; needs no stack',
    load: async () => (await import('./verbs/experiments/plan.ts')).addPlan,
  },
  run: {
    description: 'start an experiment from a recipe, or attach to a running one',
    load: async () => (await import('./verbs/experiments/run.ts')).addRun,
  },
  status: {
    description: 'show the status of an experiment; without an id, list experiments',
    load: async () => (await import('./verbs/experiments/status.ts')).addStatus,
  },
  watch: {
    description: 'show progress until the experiment ends',
    load: async () => (await import('./verbs/experiments/watch.ts')).addWatch,
  },
  cancel: {
    description: 'cancel an experiment; its artifacts are kept',
    load: async () => (await import('./verbs/experiments/cancel.ts')).addCancel,
  },
  resume: {
    description: 'resume an experiment that was paused, cancelled or failed',
    load: async () => (await import('./verbs/experiments/resume.ts')).addResume,
  },
  fork: {
    description: "start an experiment that shares another one's steps before step K and continues with other settings",
    load: async () => (await import('./verbs/experiments/fork.ts')).addFork,
  },
  report: {
    description: 'fetch the report of an experiment and print its path',
    load: async () => (await import('./verbs/experiments/report.ts')).addReport,
  },
  rollouts: {
    description: 'show completions sampled in training, with their rewards',
    load: async () => (await import('./verbs/experiments/rollouts.ts')).addRollouts,
  },
  metrics: {
    description: 'show what was measured in the steps of training; --csv exports all steps',
    load: async () => (await import('./verbs/experiments/metrics.ts')).addMetrics,
  },
  verify: {
    description: 'verify the digests of all artifacts of an experiment; without an id, of the whole store',
    load: async () => (await import('./verbs/store/verify.ts')).addVerify,
  },
  export: {
    description: 'export the newest checkpoint of a run in Hugging Face layout, or a whole experiment',
    load: async () => (await import('./verbs/store/export.ts')).addExport,
  },
  import: {
    description: 'import an experiment written by `export --all`; all digests are verified',
    load: async () => (await import('./verbs/store/import.ts')).addImport,
  },
  lineage: {
    description: 'show what an artifact was made from, back to files, seeds and code',
    load: async () => (await import('./verbs/store/lineage.ts')).addLineage,
  },
  delete: {
    description: 'delete a finished experiment; `gc` then frees what only it used',
    load: async () => (await import('./verbs/experiments/delete.ts')).addDelete,
  },
  gc: {
    description: 'delete unreferenced artifacts',
    load: async () => (await import('./verbs/store/gc.ts')).addGc,
  },
  init: {
    description: 'look at data files and write a commented recipe for them',
    load: async () => (await import('./verbs/judging/init.ts')).addInit,
  },
  ingest: {
    description: "read a recipe's datasets without training: show counts, quarantine and leaks",
    load: async () => (await import('./verbs/judging/ingest.ts')).addIngest,
  },
  evaluate: {
    description: "score any policy on a recipe's tasks",
    load: async () => (await import('./verbs/judging/evaluate.ts')).addEvaluate,
  },
  calibrate: {
    description: 'fit the temperatures of label probabilities on the validation split of a recipe',
    load: async () => (await import('./verbs/judging/calibrate.ts')).addCalibrate,
  },
  judge: {
    description: 'judge the rows of a file: verdict, rationale, probabilities; pairs in both orders',
    load: async () => (await import('./verbs/judging/judge.ts')).addJudge,
  },
  score: {
    description: 'score verdicts that any judges gave against the labels of a task; needs no stack',
    load: async () => (await import('./verbs/judging/score.ts')).addScore,
  },
  serve: {
    description: 'answer over HTTP: /v1/judge, and the chat API of OpenAI (docs/serve.md)',
    load: async () => (await import('./verbs/judging/serve.ts')).addServe,
  },
  fetch: {
    description: 'print the content of an artifact: a quarantine table, a list of leaks, ...',
    load: async () => (await import('./verbs/store/fetch.ts')).addFetch,
  },
  promote: {
    description: 'run the promotion gate on the judge of a finished experiment, and promote it if it passes',
    load: async () => (await import('./verbs/promotion/promote.ts')).addPromote,
  },
  approve: {
    description: 'approve the waiting candidate',
    load: async () => (await import('./verbs/promotion/approve.ts')).addApprove,
  },
  reject: {
    description: 'reject the waiting candidate',
    load: async () => (await import('./verbs/promotion/approve.ts')).addReject,
  },
  rollback: {
    description: 'set a name back to an earlier version',
    load: async () => (await import('./verbs/promotion/rollback.ts')).addRollback,
  },
  promoted: {
    description: 'list promoted names; with a name, show its versions and history',
    load: async () => (await import('./verbs/promotion/promoted.ts')).addPromoted,
  },
  recipe: {
    description: 'print a recipe as JSON for `temporal workflow start`: validated, includes resolved, paths absolute',
    load: async () => (await import('./verbs/judging/recipe.ts')).addRecipe,
  },
  retrain: {
    description: 'retrain now: look for new data, train the promoted judge further, promote it if it passes the gate',
    load: async () => (await import('./verbs/promotion/retrain.ts')).addRetrain,
  },
  studio: {
    description: 'show experiments, rollouts and judgments in the browser, on this machine alone',
    load: async () => (await import('./verbs/judging/studio.ts')).addStudio,
  },
  schedule: {
    description: 'retrain the promoted judge on a schedule',
    load: async () => (await import('./verbs/promotion/schedule.ts')).addSchedule,
  },
};

/** The command `mtrl` with all verbs, of which only the one in the arguments has its options and action. */
export async function programFor([first, second]: readonly string[]): Promise<Command> {
  const program = new Command('mtrl')
    .description('Train one multimodal judge for many judging tasks, as a durable pipeline.')
    .exitOverride()
    .showHelpAfterError('(--help shows the verbs and their options)');
  const wanted = first === 'help' ? second : first;
  for (const [name, { description, load }] of Object.entries(verbs)) {
    const command = program.command(name).description(description);
    if (name === wanted) (await load())(command);
  }
  return program;
}
