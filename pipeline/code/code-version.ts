/**
 * Which code made a result: part of every key, so that changed code never finds what other code made (DESIGN section 5.2).
 * A version covers the sources that the activity reaches and the versions of the packages that it computes with, and
 * nothing else: a change to a webhook leaves every rollout where it is found. It is a function of the project's files, so
 * it can be computed when the project is built.
 */
import { required } from '../../core/assert.ts';
import { digestOf } from '../../core/json.ts';
import { projectRoot } from '../../core/project.ts';
import { SourceTree } from './source-tree.ts';

/** What workers hand to activities, which import its types alone. */
const artifacts = ['pipeline/json-cache.ts', 'artifacts/store/artifact-store.ts'];
/** Of the engines in policy/engines/table.ts, the worker's own alone. */
const engineEntry = (name: string): string => `policy/engines/${name}/open.ts`;
const ofEngine = 'the entry of the engine';
const engine = [...artifacts, 'pipeline/policies/policy-states.ts', ofEngine];
const prompting = [...engine, 'pipeline/policies/processors.ts', 'pipeline/asking/prompter.ts'];

/**
 * Entry points of the code of each keyed result. A replay (replay.ts) is not here: it gives the recorded digest or fails, so
 * it decides no bit of what follows.
 */
const entries = {
  ingest: [...artifacts, 'pipeline/data/ingest.ts'],
  readDataset: [...artifacts, 'pipeline/data/kept-datasets.ts'],
  admit: [...artifacts, 'pipeline/policies/processors.ts', 'pipeline/asking/prompter.ts', 'pipeline/data/admit.ts'],
  importPolicy: [...engine, 'pipeline/policies/import-policy.ts'],
  mix: [...artifacts, 'pipeline/data/mix.ts'],
  rollout: [...prompting, 'pipeline/training/rollout.ts'],
  reward: [...artifacts, 'pipeline/training/reward.ts'],
  /** What an external grader said: its own code is not ours. */
  grades: [...artifacts, 'pipeline/training/grader.ts'],
  optimize: [...prompting, 'pipeline/training/optimize.ts'],
  snapshot: [...engine, 'pipeline/policies/snapshot.ts'],
  evaluate: [...prompting, 'pipeline/asking/evaluate.ts'],
  judgeRows: [...prompting, 'pipeline/asking/judge-rows.ts'],
  /** Of an engine, part by part, for evaluate and judgeRows. */
  answers: [...engine, 'pipeline/asking/kept-answers.ts'],
  /** A whole one: all of what its activities reach. */
  run: [
    ...prompting,
    'pipeline/data/mix.ts',
    ...['rollout', 'reward', 'optimize'].map((step) => `pipeline/training/${step}.ts`),
    'pipeline/policies/snapshot.ts',
  ],
  gate: [...artifacts, 'pipeline/promotion/gate.ts'],
  /** Two runs by paired tests, for reports. */
  compare: [...artifacts, 'pipeline/reporting/report-tests.ts'],
  /** Not under a key; the report names it. */
  report: [...artifacts, 'pipeline/reporting/report.ts'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type KeyedActivity = keyof typeof entries;
/** A version (hex) for each. */
export type CodeVersion = (activity: KeyedActivity) => string;

/** They carry results about and decide nothing in them. */
const carriers = /^@temporalio\//;
/** Of the backend that need not be installed; they are found by name when it starts (policy/runtime/tfjs/providers.ts). */
const tfjs = /^@tensorflow\//;
const tfjsBackends = ['backend-cpu', 'backend-wasm', 'node', 'node-gpu'].map((name) => `@tensorflow/tfjs-${name}`);

/** sha256 over the sources that each activity reaches and the versions of its packages. Reads some hundred files: once a process. */
export function codeVersionsOf(
  root: string = projectRoot,
  backend = 'onnxruntime',
  engineName = 'embedded',
): Readonly<Record<KeyedActivity, string>> {
  const tree = treeAt(root);
  const versions = Object.entries(entries).map(([activity, paths]) => {
    const sources = paths.map((path) => (path === ofEngine ? engineEntry(engineName) : path));
    return [activity, versionFrom(tree, sources, backend)];
  });
  return Object.fromEntries(versions) as Record<KeyedActivity, string>;
}

/** `backend`, `engineName`: what this worker's engines compute with, and which they are. */
export function codeVersionOf(backend?: string, engineName?: string): CodeVersion {
  const versions = codeVersionsOf(projectRoot, backend, engineName);
  return (activity) => required(versions[activity], `the code version of ${activity}`);
}

/** The same for all that a worker runs, its workflows too: what may not change under a workflow that is pinned to a build. */
export function buildVersionOf(root: string = projectRoot): string {
  return versionFrom(treeAt(root), ['workers/control.ts', 'workers/compute.ts', 'workflows/index.ts']);
}

/** sha256 by path of what workflows load: their bundle is kept by these. */
export function workflowSources(): Readonly<Record<string, string>> {
  return ownTree.digestsOf(ownTree.reachedFrom(['workflows/index.ts', 'workflows/spans.ts']).sources);
}

/** A worker asks for several versions when it starts: its own files are read once. */
const ownTree = new SourceTree(projectRoot);

function treeAt(root: string): SourceTree {
  return root === projectRoot ? ownTree : new SourceTree(root);
}

function versionFrom(tree: SourceTree, paths: readonly string[], backend = 'onnxruntime'): string {
  const { sources, packages } = tree.reachedFrom(paths);
  const computing = packages.filter((name) => !carriers.test(name) && !tfjs.test(name));
  const known = packages.filter((name) => tfjs.test(name));
  const ofBackend = backend === 'tfjs' && known.length > 0 ? [...known, ...tfjsBackends] : [];
  const versions = tree.versionsOf([...computing, ...ofBackend]);
  return digestOf({ sources: tree.digestsOf(sources), packages: versions });
}
