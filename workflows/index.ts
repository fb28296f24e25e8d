/** The workflow bundle's entry: what a control worker can run, by the name it is started with. */
export { evaluate } from './evaluate.ts';
export { experiment } from './experiment.ts';
export { run } from './run.ts';
