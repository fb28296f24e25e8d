/**
 * The code version of a result: part of every key, so that changed code never finds the results of other code (DESIGN
 * section 5.2). A version covers the sources that the activity reaches and the versions of the packages that it
 * computes with, and nothing else: a change to a webhook invalidates no rollout. It depends only on the project's
 * files, so it can be computed at build time.
 */
import { required } from '../../core/assert.ts';
import { digestOf } from '../../core/json.ts';
import { projectRoot } from '../../core/project.ts';
import { SourceTree } from './source-tree.ts';

/** Workers pass these to activities, which import only their types. */
const artifacts = ['pipeline/json-cache.ts', 'artifacts/store/artifact-store.ts'];
/** The entry of one engine of policy/engines/table.ts: only the worker's own counts. */
const engineEntry = (name: string): string => `policy/engines/${name}/open.ts`;
const ofEngine = 'the entry of the engine';
const engine = [...artifacts, 'pipeline/policies/policy-states.ts', ofEngine];
const prompting = [...engine, 'pipeline/policies/processors.ts', 'pipeline/asking/prompts/prompter.ts'];

/**
 * Entry points of each keyed result. A replay (replay.ts) is not listed: it reproduces the recorded digest or fails, so
 * it cannot affect later results.
 */
const entries = {
  ingest: [...artifacts, 'pipeline/data/ingest.ts'],
  readDataset: [...artifacts, 'pipeline/data/kept-datasets.ts'],
  admit: [
    ...artifacts,
    'pipeline/policies/processors.ts',
    'pipeline/asking/prompts/prompter.ts',
    'pipeline/data/admit.ts',
  ],
  importPolicy: [...engine, 'pipeline/policies/import-policy.ts'],
  mix: [...artifacts, 'pipeline/data/mix.ts'],
  rollout: [...prompting, 'pipeline/training/rollout.ts'],
  reward: [...artifacts, 'pipeline/training/reward.ts'],
  /** Scores of an external grader, whose own code is not covered. */
  grades: [...artifacts, 'pipeline/training/grader.ts'],
  optimize: [...prompting, 'pipeline/training/optimize.ts'],
  snapshot: [...engine, 'pipeline/policies/snapshot.ts'],
  averageSnapshots: [...artifacts, 'pipeline/policies/average-snapshots.ts'],
  evaluate: [...prompting, 'pipeline/asking/evaluate.ts'],
  evaluateEndpoint: [...artifacts, 'pipeline/asking/endpoints/evaluate-endpoint.ts'],
  judgeRowsEndpoint: [...artifacts, 'pipeline/asking/endpoints/judge-rows-endpoint.ts'],
  calibrate: [...artifacts, 'pipeline/asking/calibrate.ts'],
  judgeRows: [...prompting, 'pipeline/asking/judge-rows.ts'],
  pixelBaselines: [...artifacts, 'pipeline/asking/pixel-baselines.ts'],
  /** An engine's answers within evaluate and judgeRows. */
  answers: [...engine, 'pipeline/asking/kept-answers.ts'],
  /**
   * Answers of endpoints, which are paid for: how a response is read, and nothing that makes a request, because the whole
   * request is in the key.
   */
  endpointAnswers: ['policy/engines/openai/chat-response.ts'],
  /** A whole run: everything that its activities reach. */
  run: [
    ...prompting,
    'pipeline/data/mix.ts',
    ...['rollout', 'reward', 'optimize'].map((step) => `pipeline/training/${step}.ts`),
    ...['snapshot', 'average-snapshots'].map((part) => `pipeline/policies/${part}.ts`),
  ],
  gate: [...artifacts, 'pipeline/promotion/gate.ts'],
  /** Paired tests between two runs, for reports. */
  compare: [...artifacts, 'pipeline/reporting/report-tests.ts'],
  /** Scores of arms and tests between them, for reports. */
  compareArms: [...artifacts, 'pipeline/reporting/report-arms.ts'],
  /** Not a key; the report shows this version. */
  report: [...artifacts, 'pipeline/reporting/report.ts'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type KeyedActivity = keyof typeof entries;
/** Returns the version of an activity's code, in hex. */
export type CodeVersion = (activity: KeyedActivity) => string;

/** Packages that transport results and do not affect them. */
const carriers = /^@temporalio\//;
/** Packages of the optional TensorFlow.js backend, found by name when it starts (policy/runtime/tfjs/providers.ts). */
const tfjs = /^@tensorflow\//;
const tfjsBackends = ['backend-cpu', 'backend-wasm', 'node', 'node-gpu'].map((name) => `@tensorflow/tfjs-${name}`);

/**
 * sha256 over the sources that each activity reaches and the versions of its packages. Reads a few hundred files: call
 * it once per process.
 */
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

/** `backend`, `engineName`: the compute backend and the name of this worker's engine. */
export function codeVersionOf(backend?: string, engineName?: string): CodeVersion {
  const versions = codeVersionsOf(projectRoot, backend, engineName);
  return (activity) => required(versions[activity], `the code version of ${activity}`);
}

/** The version of everything that a worker runs, including workflows: the build that a workflow is pinned to. */
export function buildVersionOf(root: string = projectRoot): string {
  return versionFrom(treeAt(root), ['workers/control.ts', 'workers/compute.ts', 'workflows/index.ts']);
}

/** sha256 by path of the sources that workflows load: the key of their cached bundle. */
export function workflowSources(): Readonly<Record<string, string>> {
  return ownTree.digestsOf(ownTree.reachedFrom(['workflows/index.ts', 'workflows/spans.ts']).sources);
}

/** Shared, because a worker computes several versions when it starts: its own files are read once. */
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
