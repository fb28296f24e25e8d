/** Entry of the workflow bundle: the workflows of a control worker, by the name that they are started with. */
export { evaluate } from './evaluate.ts';
export { evaluatePolicy } from './evaluate-policy.ts';
export { experiment } from './experiment.ts';
export { ingestOnly } from './ingest-only.ts';
export { judgeBatch } from './judge-batch.ts';
export { planFork } from './plan-fork.ts';
export { promote } from './promote.ts';
export { retrain } from './retrain.ts';
export { rollback } from './rollback.ts';
export { run } from './run.ts';
