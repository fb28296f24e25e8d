/** The verbs, in the order that `--help` shows them. Each is loaded when it is called: a quick one must not wait for the others' packages. */
import type { Command } from 'commander';

type AddVerb = (program: Command) => void;

const verbs: Readonly<Record<string, () => Promise<AddVerb>>> = {
  up: async () => (await import('./verbs/up.ts')).addUp,
  down: async () => (await import('./verbs/down.ts')).addDown,
  doctor: async () => (await import('./verbs/doctor.ts')).addDoctor,
  run: async () => (await import('./verbs/run.ts')).addRun,
  status: async () => (await import('./verbs/status.ts')).addStatus,
  watch: async () => (await import('./verbs/watch.ts')).addWatch,
  cancel: async () => (await import('./verbs/cancel.ts')).addCancel,
  resume: async () => (await import('./verbs/resume.ts')).addResume,
  fork: async () => (await import('./verbs/fork.ts')).addFork,
  report: async () => (await import('./verbs/report.ts')).addReport,
  rollouts: async () => (await import('./verbs/rollouts.ts')).addRollouts,
  verify: async () => (await import('./verbs/verify.ts')).addVerify,
  export: async () => (await import('./verbs/export.ts')).addExport,
  import: async () => (await import('./verbs/import.ts')).addImport,
  lineage: async () => (await import('./verbs/lineage.ts')).addLineage,
  delete: async () => (await import('./verbs/delete.ts')).addDelete,
  gc: async () => (await import('./verbs/gc.ts')).addGc,
  ingest: async () => (await import('./verbs/ingest.ts')).addIngest,
  evaluate: async () => (await import('./verbs/evaluate.ts')).addEvaluate,
  judge: async () => (await import('./verbs/judge.ts')).addJudge,
  fetch: async () => (await import('./verbs/fetch.ts')).addFetch,
  promote: async () => (await import('./verbs/promote.ts')).addPromote,
  approve: async () => (await import('./verbs/approve.ts')).addApprove,
  reject: async () => (await import('./verbs/approve.ts')).addReject,
  rollback: async () => (await import('./verbs/rollback.ts')).addRollback,
  promoted: async () => (await import('./verbs/promoted.ts')).addPromoted,
  recipe: async () => (await import('./verbs/recipe.ts')).addRecipe,
  retrain: async () => (await import('./verbs/retrain.ts')).addRetrain,
  schedule: async () => (await import('./verbs/schedule.ts')).addSchedule,
};

/** Only the named verb; all of them if it is none (help, or an unknown word). */
export function verbsFor(word: string | undefined): Promise<readonly AddVerb[]> {
  const named = word !== undefined && Object.hasOwn(verbs, word) ? verbs[word] : undefined;
  return Promise.all((named ? [named] : Object.values(verbs)).map((load) => load()));
}
