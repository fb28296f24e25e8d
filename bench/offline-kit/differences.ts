/**
 * Prints how a provider's results differ from those of `cpu`, a line of JSON each. Arguments: execution provider, then
 * names of checkpoints for whole GRPO steps; without names, every case of every op and its gradients.
 */
import { type StepName, opCaseCount, opDifferences, stepDifference } from '../../test/support/differential.ts';

const [executionProvider = '', ...names] = process.argv.slice(2);
const settings = { threadCount: 1, executionProvider };
const print = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};
if (names.length === 0) {
  print({ opCaseCount });
  await opDifferences(settings, print);
}
for (const name of names) print({ name, ...(await stepDifference(name as StepName, settings)) });
// Leaves the device to the end of the process.
process.exit(0);
